import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSampleSource } from '../../../../../src/data/node/index.ts';
import { tarOf } from './tar.ts';

const NOW = { seed: 1, epoch: 0 };
let root: string;
let png: Buffer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sensorium-tar-'));
  png = await sharp({ create: { width: 4, height: 3, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function shard(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(join(root, name), bytes);
  return join(root, name);
}

describe('WebDataset', () => {
  it('reads pictures with captions and conversations, by shards', async () => {
    const conversation = {
      image: 'ignored.png',
      conversations: [
        { from: 'human', value: '<image> and <image>?' },
        { from: 'gpt', value: 'Equal.' },
      ],
    };
    // Long enough for a pax header.
    const long = `${'long/'.repeat(60)}name`;
    await shard('s-00.tar', await tarOf([
      ['a/1.png', png], ['a/1.txt', 'One.'], ['a/1.json', '{"url": "x", "caption": "no"}'],
      ['a/._1.txt', 'junk'], ['a/.hidden', 'x'],
      [`${long}.txt`, 'Two.'], [`${long}.png`, png],
    ])); // prettier-ignore
    await shard('s-01.tar', await tarOf([
      ['3.0.png', png], ['3.1.png', png], ['3.json', JSON.stringify(conversation)], ['3.cls', '7'],
    ])); // prettier-ignore
    const source = await openSampleSource({ path: join(root, 's-{00..01}.tar') });
    expect(source).toMatchObject({ length: 3, blocks: [0, 2] });
    const samples = await Promise.all([0, 1, 2].map(async (i) => source.sample(i, NOW)));
    expect(samples.map(({ id }) => id)).toEqual(['a/1', long, '3']);
    expect(samples[0]!.conversations[0]![1]!.content).toEqual([{ type: 'text', text: 'One.' }]);
    expect(samples[2]!.conversations[0]![0]!.content.map(({ type }) => type)).toEqual([
      'image',
      'text',
      'image',
      'text',
    ]);
    for (const { pictures } of samples)
      for (const each of pictures) expect(await each.open()).toMatchObject({ width: 4, height: 3 });
    expect(samples[2]!.pictures[1]!.name).toMatch(/s-01\.tar: 3\.1\.png/);
    expect((await openSampleSource({ path: root })).length).toBe(3);
  });

  it('refuses archives that are cut off, damaged or packed', async () => {
    const bytes = await tarOf([['1.png', png], ['1.txt', 'x']]); // prettier-ignore
    const cut = await shard('cut.bin', bytes.subarray(0, 512 + 20));
    await expect(openSampleSource({ path: cut, format: 'webdataset' })).rejects.toThrow(
      /1\.png: the archive ends within it/,
    );
    const damaged = Buffer.from(bytes);
    damaged[0] = 65;
    const path = await shard('damaged.tar', damaged);
    await expect(openSampleSource({ path })).rejects.toThrow(/at byte 0: no header of a tar archive/);
    await rm(path);
    // A header that says a size of 8 GiB.
    const large = Buffer.from(bytes);
    large.write('77777777777 ', 124);
    large.write('        ', 148);
    const sum = large.subarray(0, 512).reduce((a, b) => a + b, 0);
    large.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const giant = await shard('giant.tar', large);
    await expect(openSampleSource({ path: giant })).rejects.toThrow(/ends within it/);
    await rm(giant);
    const twice = await shard('twice.tar', await tarOf([['1.txt', 'x'], ['1.txt', 'y']])); // prettier-ignore
    await expect(openSampleSource({ path: twice })).rejects.toThrow(/1\.txt is there twice/);
    await rm(twice);
    const empty = await shard('empty.tar', Buffer.alloc(1024));
    await expect(openSampleSource({ path: empty })).rejects.toThrow(/no samples/);
    await rm(empty);
    await expect(openSampleSource({ path: join(root, 's-{0..999999999}.tar') })).rejects.toThrow(/1000000000 archives/);
  });

  it('names the archive and the sample that cannot be read', async () => {
    const path = await shard('bad.tar', await tarOf([
      ['1.png', png], ['2.json', '{'], ['3.txt', 'Three.'], ['3.png', 'no picture'],
    ])); // prettier-ignore
    const source = await openSampleSource({ path });
    await expect(source.sample(0, NOW)).rejects.toThrow(/bad\.tar: 1: it has png and no text/);
    await expect(source.sample(1, NOW)).rejects.toThrow(/bad\.tar: 2: not JSON/);
    const { pictures } = await source.sample(2, NOW);
    await expect(pictures[0]!.open()).rejects.toThrow(/bad\.tar: 3\.png is not a picture/);
  });
});
