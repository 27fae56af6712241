import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DataError } from '../../../../../src/core/index.ts';
import type { EmojiMaterial } from '../../../../../src/data/index.ts';
import { openSampleSource, readPicture } from '../../../../../src/data/node/index.ts';
import { writeScenesOf, type WriteOptions, type WrittenScenes } from '../../../../../src/data/scenes/node/write.ts';
import { squares } from '../material.ts';

let folder: string;
let material: EmojiMaterial;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-scenes-'));
  material = await squares();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const OPTIONS: WriteOptions = { sets: ['noto'], size: 48, count: 5, seed: 8 };
const write = (to: string, options: Partial<WriteOptions> = {}): Promise<WrittenScenes> =>
  writeScenesOf(to, { ...OPTIONS, ...options }, () => Promise.resolve(material));

async function digest(of: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(of, { recursive: true })).sort()) {
    if (/\.(png|jsonl|md)$/.test(file)) hash.update(file).update(await readFile(join(of, file)));
  }
  return hash.digest('hex');
}

describe('writeScenes', () => {
  it('writes pictures and conversations that can be read again, the same for the same seed', async () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    const written = await write(first);
    expect(written).toEqual({ scenes: 5, conversations: 50 });
    await mkdir(second);
    await write(second);
    expect(await digest(second)).toBe(await digest(first));
    await rm(second, { recursive: true });
    await write(second, { seed: 9 });
    expect(await digest(second)).not.toBe(await digest(first));

    const source = await openSampleSource({ path: join(first, 'data.jsonl') });
    expect(source.length).toBe(50);
    const sample = await source.sample(0, { seed: 0, epoch: 0 });
    expect(sample.conversations[0]!.map(({ role }) => role)).toEqual(['user', 'assistant']);
    expect((await sample.pictures[0]!.open()).width).toBe(48);
    await source.close?.();

    const facts = (await readFile(join(first, 'scenes.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(facts).toHaveLength(5);
    for (const { image, objects } of facts) {
      expect((await readPicture(join(first, image))).height).toBe(48);
      expect(objects.length).toBeGreaterThan(0);
    }
    expect(await readFile(join(first, 'README.md'), 'utf8')).toContain('Apache-2.0');
    // Nothing is left beside the folders.
    expect((await readdir(folder)).sort()).toEqual(['first', 'second']);
  });

  it('leaves a folder alone that holds something, and nothing behind when it fails', async () => {
    const full = join(folder, 'full');
    await mkdir(full);
    await writeFile(join(full, 'mine.txt'), 'mine');
    await expect(write(full)).rejects.toThrow(/not empty/);
    expect(await readdir(full)).toEqual(['mine.txt']);
    await expect(write(join(folder, 'none'), { count: 0 })).rejects.toThrow(DataError);
    await expect(write(join(folder, 'none'), { size: 1 })).rejects.toThrow(DataError);
    expect((await readdir(folder)).includes('none')).toBe(false);
  });
});
