import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedPictures, openSampleSource } from '../../../../../src/data/node/index.ts';

const NOW = { seed: 1, epoch: 0 };
let root: string;
let path: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sensorium-kept-'));
  path = join(root, 'data.jsonl');
  const data = Buffer.from(Array.from({ length: 60 * 30 * 3 }, (_, i) => (i * 7) % 256));
  await sharp(data, { raw: { width: 60, height: 30, channels: 3 } })
    .png()
    .toFile(join(root, 'a.png'));
  const row = { image: 'a.png', conversations: [{ from: 'gpt', value: 'A ramp.' }] };
  await writeFile(path, JSON.stringify(row));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('cachedPictures', () => {
  it('keeps what it makes, reads it back, and makes damaged ones anew', async () => {
    const source = await openSampleSource({ path });
    const folder = join(root, 'kept');
    const open = async (): Promise<unknown> => {
      const kept = await cachedPictures(source, { folder, side: 20 });
      return (await kept.sample(0, NOW)).pictures[0]!.open();
    };
    const first = await open();
    expect(first).toMatchObject({ width: 20, height: 10, channels: 3 });
    const [name, ...others] = await readdir(folder);
    expect(others).toEqual([]);
    expect(await open()).toEqual(first);
    // What is read is what lies there.
    const bytes = await readFile(join(folder, name!));
    bytes[12]! ^= 255;
    await writeFile(join(folder, name!), bytes);
    expect(await open()).not.toEqual(first);
    for (const damaged of [bytes.subarray(0, 100), Buffer.alloc(612), Buffer.alloc(3)]) {
      await writeFile(join(folder, name!), damaged);
      expect(await open()).toEqual(first);
    }
    await source.close?.();
  });

  it('does not grow beyond its bound', async () => {
    const source = await openSampleSource({ path });
    const folder = join(root, 'small');
    const kept = await cachedPictures(source, { folder, side: 20, maxBytes: 611 });
    expect(await (await kept.sample(0, NOW)).pictures[0]!.open()).toMatchObject({ width: 20 });
    expect(await readdir(folder)).toEqual([]);
    await expect(cachedPictures(source, { folder, side: 0 })).rejects.toThrow(/0 pixels/);
    await source.close?.();
  });
});
