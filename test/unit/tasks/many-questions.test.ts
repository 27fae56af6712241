import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LoadedModel } from '../../../src/auto/index.ts';
import { load } from '../../../src/auto/node/index.ts';
import { Random } from '../../../src/core/index.ts';
import { picture, type SamplePicture } from '../../../src/data/index.ts';
import { askMany, type PictureQuestion, vqa } from '../../../src/tasks/index.ts';
import { writePictureFolder } from '../../picture-folder.ts';

let scratch: string;
let model: LoadedModel;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'many-'));
  model = await load(await writePictureFolder(scratch), { threads: 1 });
});
afterAll(async () => {
  await model.dispose();
  await rm(scratch, { recursive: true, force: true });
});

/** Pictures of one tile and of several, each asked about a few times, in questions of different lengths. */
function questions(count: number): PictureQuestion[] {
  const random = new Random(1);
  const pictures = Array.from({ length: Math.ceil(count / 3) }, (_, i): SamplePicture => {
    const [width, height] = random.pick([
      [16, 16],
      [40, 28],
      [28, 40],
    ] as const);
    const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
    return { name: `noise ${i}`, open: () => picture(width, height, 3, data) };
  });
  return Array.from({ length: count }, (_, i) => ({
    picture: pictures[Math.floor(i / 3)]!,
    question: Array.from({ length: 1 + random.integer(6) }, () => `w${10 + random.integer(60)}`).join(' '),
    maxNewTokens: random.pick([3, 8]),
  }));
}

it('gives every question the answer that it gets alone', async () => {
  const asked = questions(40);
  const done: number[] = [];
  const together = await askMany(model, asked, { batch: 8, progress: (count) => done.push(count) });
  const alone: string[] = [];
  for (const { picture: shown, question, maxNewTokens } of asked)
    alone.push((await vqa(model, await shown.open(), question, { maxNewTokens, temperature: 0 })).text);
  expect(together).toEqual(alone);
  expect(new Set(together).size).toBeGreaterThan(20);
  expect(done.at(-1)).toBe(40);
});

it('opens a picture once for all questions about it that stand together', async () => {
  let opened = 0;
  const shown: SamplePicture = {
    name: 'grey',
    open: () => {
      opened++;
      return picture(16, 16, 3);
    },
  };
  const asked = Array.from({ length: 12 }, () => ({ picture: shown, question: 'w11', maxNewTokens: 2 }));
  expect(new Set(await askMany(model, asked)).size).toBe(1);
  expect(opened).toBe(1);
});

it('ends when it is told to', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(askMany(model, questions(3), { signal })).rejects.toThrow('enough');
});
