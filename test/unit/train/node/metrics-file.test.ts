import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/errors.ts';
import { formatMetrics, type MetricsRecord } from '../../../../src/train/metrics.ts';
import { MetricsFile, readMetrics } from '../../../../src/train/node/metrics-file.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metrics-'));
  path = join(folder, 'metrics.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The records of a run of `steps` steps with a validation every fifth. */
function records(from: number, to: number): MetricsRecord[] {
  const list: MetricsRecord[] = [];
  for (let step = from; step <= to; step++) {
    list.push({
      kind: 'train',
      step,
      seconds: step,
      loss: 1 / step,
      parts: { match: 1 / step, align: 2 / step },
      learningRate: 1e-3,
      gradientNorm: 1,
      samplesPerSecond: 100,
    });
    if (step % 5 === 0) list.push({ kind: 'validation', step, seconds: step, values: { accuracy: 0.5 } });
  }
  return list;
}

async function write(file: MetricsFile, list: readonly MetricsRecord[]): Promise<void> {
  await Promise.all(list.map((record) => file.append(record)));
  await file.sync();
  await file.close();
}

async function all(): Promise<MetricsRecord[]> {
  const list: MetricsRecord[] = [];
  for await (const record of readMetrics(path)) list.push(record);
  return list;
}

it('keeps records in the order of the calls', async () => {
  await write(await MetricsFile.create(path), records(1, 20));
  expect(await all()).toEqual(records(1, 20));
});

it('does not overwrite the metrics of another run', async () => {
  await write(await MetricsFile.create(path), records(1, 2));
  await expect(MetricsFile.create(path)).rejects.toThrow(DataError);
  expect(await all()).toHaveLength(2);
});

describe('resume', () => {
  it('equals an uninterrupted run wherever the file was cut', async () => {
    await write(await MetricsFile.create(path), records(1, 20));
    const whole = await readFile(path, 'utf8');
    const upToTen = whole.indexOf('{"kind":"train","step":11');
    for (let size = upToTen; size <= whole.length; size += 13) {
      await writeFile(path, whole);
      await truncate(path, size);
      await write(await MetricsFile.resume(path, 10), records(11, 20));
      expect(await readFile(path, 'utf8')).toBe(whole);
    }
  });

  it('does not read past the checkpoint, so garbage there does not matter', async () => {
    const kept = records(1, 5).map(formatMetrics).join('');
    await writeFile(path, `${kept}${formatMetrics(records(6, 6)[0]!)}\0\0\0 garbage\n`);
    await (await MetricsFile.resume(path, 5)).close();
    expect(await readFile(path, 'utf8')).toBe(kept);
  });

  it('drops a garbled tail with no line feed', async () => {
    const kept = records(1, 3).map(formatMetrics).join('');
    await writeFile(path, Buffer.concat([Buffer.from(kept), Buffer.alloc(300)]));
    await (await MetricsFile.resume(path, 9)).close();
    expect(await readFile(path, 'utf8')).toBe(kept);
  });

  it('makes a missing file', async () => {
    await write(await MetricsFile.resume(path, 10), records(11, 12));
    expect(await all()).toHaveLength(2);
  });

  it('names the line that has to stay and cannot be read, and leaves the file alone', async () => {
    const text = `${formatMetrics(records(1, 1)[0]!)}{"kind":\n${formatMetrics(records(2, 2)[0]!)}`;
    await writeFile(path, text);
    await expect(MetricsFile.resume(path, 5)).rejects.toThrow(`${path}:2: this is not JSON`);
    expect(await readFile(path, 'utf8')).toBe(text);
  });
});

describe('hostile files', () => {
  it.each([
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x80, 0x0a])],
    ['a giant line', Buffer.alloc(300_000, 0x20)],
    ['a picture', Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(100)])],
  ])('%s', async (_, bytes) => {
    await writeFile(path, bytes);
    await expect(all()).rejects.toThrow(DataError);
    await expect(MetricsFile.resume(path, 1)).rejects.toThrow(DataError);
    expect(await readFile(path)).toEqual(bytes);
  });
  it('a folder or nothing at all', async () => {
    await expect(all()).rejects.toThrow(DataError);
    path = folder;
    await expect(all()).rejects.toThrow(DataError);
    await expect(MetricsFile.resume(folder, 1)).rejects.toThrow(DataError);
  });
  it('an empty file has no records', async () => {
    await writeFile(path, '');
    expect(await all()).toEqual([]);
  });
});
