import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';

import sharp from 'sharp';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { EASY_VQA_ANSWERS, EasyVqaDataset } from '../../../../src/data/easy-vqa.ts';
import { create, makeEasyVqaTokenizer, readEasyVqa } from '../../../../src/data/node/easy-vqa.ts';

type Files = Record<string, string | Buffer>;

const without = (files: Files, name: string): Files =>
  Object.fromEntries(Object.entries(files).filter(([key]) => key !== name));

let folder: string;
let good: Files;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-vqa-'));
  const image = (r: number): Promise<Buffer> =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r, g: 0, b: 255 } } })
      .png()
      .toBuffer();
  good = {
    'answers.txt': EASY_VQA_ANSWERS.join('\n'),
    'train/questions.json': JSON.stringify([
      ['what is the red shape?', 'circle', 0],
      ['is there a red shape?', 'yes', 1],
      ['is there a blue shape?', 'no', 2],
    ]),
    'train/images/0.png': await image(0),
    'train/images/1.png': await image(100),
    'train/images/2.png': await image(255),
    'test/questions.json': JSON.stringify([['what is the blue shape?', 'triangle', 0]]),
    'test/images/0.png': await image(50),
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
async function tar(files: Files, prefix = './', gzip = false): Promise<string> {
  const path = join(folder, `${count++}.tar${gzip ? '.gz' : ''}`);
  const archive = pack();
  archive.entry({ name: '../../outside.txt' }, 'ignored');
  for (const [name, data] of Object.entries(files)) archive.entry({ name: prefix + name }, data);
  archive.finalize();
  if (gzip) await pipeline(archive, createGzip(), createWriteStream(path));
  else await pipeline(archive, createWriteStream(path));
  return path;
}

describe('readEasyVqa', () => {
  it('reads a tar, one within a folder, a gzipped one and a folder alike', async () => {
    const expected = await readEasyVqa(await tar(good), 'train');
    expect(expected).toMatchObject({ imageCount: 3, width: 8, height: 8 });
    expect(expected.questions[2]).toEqual({ text: 'is there a blue shape?', answer: 12, image: 2 });
    expect([...expected.pixels.subarray(8 * 8 * 3, 8 * 8 * 3 + 3)]).toEqual([100, 0, 255]);
    expect(expected.pixels.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(await readEasyVqa(await tar(good, 'data/'), 'train')).toEqual(expected);
    expect(await readEasyVqa(await tar(good, './', true), 'train')).toEqual(expected);
    const unpacked = join(folder, 'unpacked');
    for (const [name, data] of Object.entries(good)) {
      await mkdir(join(unpacked, name, '..'), { recursive: true });
      await writeFile(join(unpacked, name), data);
    }
    expect(await readEasyVqa(unpacked, 'train')).toEqual(expected);
    expect((await readEasyVqa(unpacked, 'test')).questions).toHaveLength(1);
  });

  const bad: [string, (files: Files) => Files, string][] = [
    ['no questions', (files) => without(files, 'train/questions.json'), 'holds no train/questions.json'],
    [
      'no pictures',
      (files) => ({ 'train/questions.json': '[]', 'test/images/0.png': files['test/images/0.png']! }),
      'holds no pictures',
    ],
    ['questions that are not JSON', (files) => ({ ...files, 'train/questions.json': '[[' }), 'is not valid JSON'],
    [
      'questions that are not UTF-8',
      (files) => ({ ...files, 'train/questions.json': Buffer.from([0x5b, 0xff]) }),
      'is not valid UTF-8',
    ],
    ['questions of another form', (files) => ({ ...files, 'train/questions.json': '[["a","yes"]]' }), 'is no list of'],
    [
      'an unknown answer',
      (files) => ({ ...files, 'train/questions.json': '[["a","maybe",0]]' }),
      'unknown answer "maybe"',
    ],
    [
      'an image out of range',
      (files) => ({ ...files, 'train/questions.json': '[["a","yes",3]]' }),
      'asks about image 3',
    ],
    [
      'a gap in the pictures',
      (files) => ({ ...without(files, 'train/images/1.png'), 'train/questions.json': '[["a","yes",0]]' }),
      '1.png is missing',
    ],
    [
      'a damaged picture',
      (files) => ({ ...files, 'train/images/1.png': 'no picture' }),
      'train/images/1.png is not a picture',
    ],
  ];
  it.each(bad)('refuses %s', async (_, change, message) => {
    await expect(readEasyVqa(await tar(change(good)), 'train')).rejects.toMatchObject({
      name: 'DataError',
      message: expect.stringContaining(message),
    });
  });

  it('refuses what is no tar, a truncated one and a missing file', async () => {
    const cut = await tar(good);
    await truncate(cut, 3000);
    await expect(readEasyVqa(cut, 'train')).rejects.toMatchObject({ name: 'DataError' });
    const path = join(folder, 'junk.tar');
    await writeFile(path, Buffer.alloc(2000, 65));
    await expect(readEasyVqa(path, 'train')).rejects.toMatchObject({ name: 'DataError' });
    await expect(readEasyVqa(join(folder, 'none'), 'train')).rejects.toThrow('does not exist');
  });
});

describe('EasyVqaDataset', () => {
  it('makes batches, the same ones each time', async () => {
    const path = await tar(good);
    const tokenizer = await makeEasyVqaTokenizer(path);
    const data = await readEasyVqa(path, 'train');
    const make = (extra: object): EasyVqaDataset =>
      create({ path, split: 'train', tokenizer: tokenizer.json, textLength: 12, ...extra }, data);
    const position = { seed: 1, epoch: 0, index: 0 };
    const batch = make({}).batch(position, 3);
    expect(batch.tensors.pixels!.shape).toEqual([3, 3, 8, 8]);
    expect(batch.tensors.ids!.shape).toEqual([3, 12]);
    expect([...(batch.tensors.label!.data as BigInt64Array)].toSorted()).toEqual([0n, 12n, 4n]);
    expect(make({ augment: true }).batch(position, 3)).toEqual(make({ augment: true }).batch(position, 3));
    expect(
      new Set(
        [0, 1, 2, 3].map((epoch) =>
          make({})
            .batch({ ...position, epoch }, 3)
            .ids.join(),
        ),
      ).size,
    ).toBeGreaterThan(1);
    expect(make({ heldOut: 1 }).questions.map((question) => question.image)).toEqual([0, 1]);
    expect(make({ heldOut: 1, split: 'validation' }).questions.map((question) => question.image)).toEqual([2]);
    expect(() => make({ heldOut: 3 })).toThrow('cannot be held out');
    expect(() => make({ split: 'validation' })).toThrow('is empty');
  });

  it('asks several questions of a training picture, each time its own', async () => {
    const path = await tar(good);
    const tokenizer = await makeEasyVqaTokenizer(path);
    const data = await readEasyVqa(path, 'train');
    const options = { path, tokenizer: tokenizer.json, textLength: 12, questions: 2 };
    const dataset = create({ ...options, split: 'train' }, data);
    expect(dataset.length).toBe(new Set(data.questions.map(({ image }) => image)).size);
    const batch = dataset.batch({ seed: 1, epoch: 0, index: 0 }, dataset.length);
    expect(batch.tensors['pixels']!.shape[0]).toBe(dataset.length);
    for (const name of ['ids', 'mask', 'label']) expect(batch.tensors[name]!.shape[0], name).toBe(2 * dataset.length);
    const known = new Set(data.questions.map(({ image, text, answer }) => `${image} ${text} ${answer}`));
    const labels = batch.tensors['label']!.data as BigInt64Array;
    for (const [row, id] of batch.ids.entries()) {
      const [, image, text] = /images\/(\d+)\.png "(.*)"$/.exec(id)!;
      expect(known).toContain(`${image} ${text} ${labels[row]}`);
      expect(image, 'questions of one picture lie side by side').toBe(
        /images\/(\d+)/.exec(batch.ids[row - (row % 2)]!)![1],
      );
    }
    // What is measured is measured question by question.
    expect(
      create({ ...options, split: 'validation', heldOut: 1 }, data).batch({ seed: 0, epoch: 0, index: 0 }, 1).ids,
    ).toHaveLength(1);
  });
});

const official = fileURLToPath(new URL('../../../../../shared/data/easy-vqa.tar', import.meta.url));
describe.skipIf(!existsSync(official))('the official file (skipped where it is not beside the checkout)', () => {
  it('has the published numbers', async () => {
    const test = await readEasyVqa(official, 'test');
    expect(test).toMatchObject({ imageCount: 1000, width: 64, height: 64 });
    expect(test.questions).toHaveLength(9673);
    expect(test.questions.filter(({ answer }) => ['yes', 'no'].includes(EASY_VQA_ANSWERS[answer]!))).toHaveLength(7136);
  });
});
