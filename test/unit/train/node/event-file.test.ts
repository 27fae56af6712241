import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/index.ts';
import type { MetricsRecord } from '../../../../src/train/metrics.ts';
import { EventFile } from '../../../../src/train/node/event-file.ts';
import { crc32c, metricsEvent, versionEvent } from '../../../../src/train/tensorboard.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const folder = temporaryFolder();

function record(step: number): MetricsRecord {
  return { kind: 'validation', step, seconds: 10 * step, values: { accuracy: step / 10 } };
}

async function* recordsUpTo(last: number): AsyncGenerator<MetricsRecord> {
  for (let step = 1; step <= last; step++) yield record(step);
}

describe('EventFile', () => {
  it('holds the version and an event for each record, at the times of one run', async () => {
    const file = await EventFile.create(join(folder, 'fresh'), recordsUpTo(0), 5000);
    await Promise.all([file.append(record(1)), file.append(record(2))]);
    await file.close();
    const events = [versionEvent(5000), metricsEvent(record(1), 5010), metricsEvent(record(2), 5020)];
    expect(readFileSync(file.path)).toEqual(Buffer.concat(events));
  });

  it('is written anew when a run goes on, and other files stay', async () => {
    const path = join(folder, 'again');
    mkdirSync(path);
    writeFileSync(join(path, 'notes.txt'), 'mine');
    await (await EventFile.create(path, recordsUpTo(9), 5000)).close();
    const file = await EventFile.create(path, recordsUpTo(2), 6000);
    await file.append(record(3));
    await file.close();
    expect(readdirSync(path).sort()).toEqual(['events.out.tfevents.6000.sensorium', 'notes.txt']);
    // Two records of 10 s each had passed.
    const events = [versionEvent(5980), ...[1, 2, 3].map((step) => metricsEvent(record(step), 5980 + 10 * step))];
    expect(readFileSync(file.path)).toEqual(Buffer.concat(events));
  });

  it('says where it cannot write', async () => {
    writeFileSync(join(folder, 'file'), '');
    const made = EventFile.create(join(folder, 'file', 'tensorboard'), recordsUpTo(0));
    await expect(made).rejects.toThrow(DataError);
  });
});

it.each([
  ['zeros', new Uint8Array(32), 0x8a9136aa],
  ['ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['a rising sequence', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
])('CRC-32C of RFC 3720, appendix B.4: %s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});
