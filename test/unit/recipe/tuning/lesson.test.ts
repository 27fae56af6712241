import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LanguageModel } from '../../../../src/auto/index.ts';
import { load, loadAdapter, resolveModel } from '../../../../src/auto/node/index.ts';
import { picture } from '../../../../src/data/index.ts';
import { type Lesson, LESSON_QUESTIONS, lessonRecipe, SMALL_LESSON } from '../../../../src/recipe/index.ts';
import { type LessonProgress, teachLesson, writeLesson } from '../../../../src/recipe/node/index.ts';
import { lessonSettings } from '../../../../src/recipe/tuning/node/lesson-settings.ts';
import { llavaFolder } from '../../../llava-folder.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const scratch = temporaryFolder();

/** Pictures of one colour each. */
function taught(...labels: string[]): Lesson[] {
  return labels.map((label, i) => ({
    picture: picture(24, 24, 3, new Uint8Array(24 * 24 * 3).fill(40 + 60 * i)),
    names: { en: label, zh: label },
  }));
}

describe('settings of a lesson', () => {
  let starter: string;
  beforeAll(async () => {
    starter = await resolveModel('starter');
  });

  it('are those of the tour for the starter and short names', async () => {
    const data = await writeLesson(join(scratch, 'short'), taught('a cup', 'a dragon fruit'));
    expect(await lessonSettings(starter, data)).toEqual(SMALL_LESSON);
    const recipe = lessonRecipe({ from: starter, data, output: 'out', minutes: 1 });
    expect(recipe).toMatchObject({
      model: { from: starter, lora: { rank: 32, alpha: 64 } },
      data: {
        length: 128,
        learned: 48,
        sources: [
          { kind: 'files', path: data, weight: 1, augment: { widen: 0.8 } },
          { kind: 'scenes', weight: 1, retain: true },
        ],
      },
      optimizer: { kind: 'adamw', lr: 0.003 },
      train: { minutes: 1, batch: 4, seed: 1 },
    });
  });

  it('make room for long names, as far as the model has it', async () => {
    const long = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
    const data = await writeLesson(join(scratch, 'long'), taught('a cup', long));
    const { length, learned } = await lessonSettings(starter, data);
    expect(length % 64).toBe(0);
    expect(length).toBeGreaterThan(128);
    expect(learned).toBeGreaterThan(48);
    const endless = await writeLesson(join(scratch, 'endless'), taught(`${long} `.repeat(12)));
    await expect(lessonSettings(starter, endless)).rejects.toThrow(/the model holds 1024/);
  });
});

it('teaches any model that reads pictures, and the adapter is there to be used', async () => {
  const model = await llavaFolder(join(scratch, 'llava'));
  const lessons = taught('a dark square', 'a bright square');
  const data = await writeLesson(join(scratch, 'lesson'), lessons);
  expect(await lessonSettings(model, data)).toMatchObject({ rank: 16, learningRate: 0.003, batch: 1, scenes: false });
  const progress: LessonProgress[] = [];
  const output = join(scratch, 'run');
  const { adapter, steps, asked } = await teachLesson(
    { model, data, output, seconds: 2, threads: 1 },
    { onProgress: (each) => progress.push(each) },
  );
  expect(steps).toBe(progress.length);
  expect(asked).toBe(2);
  expect(progress.at(-1)!.progress).toBe(1);
  expect(progress.every(({ accuracy }) => accuracy >= 0 && accuracy <= 1)).toBe(true);
  expect(progress.at(-1)!.loss).toBeLessThan(progress[0]!.loss);
  expect(readdirSync(adapter).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  const loaded = (await load(model, { threads: 1 })) as LanguageModel;
  try {
    await loaded.useAdapters([{ adapter: await loadAdapter(loaded, adapter) }]);
  } finally {
    await loaded.dispose();
  }
});

it('says so where a lesson does not fit, before it begins', async () => {
  const model = await llavaFolder(join(scratch, 'llava-2'));
  const data = await writeLesson(join(scratch, 'lesson-2'), taught('a dark square'));
  const controller = new AbortController();
  controller.abort(new Error('not now'));
  const order = { model, data, output: join(scratch, 'run-2'), seconds: 2 };
  await expect(teachLesson(order, { signal: controller.signal })).rejects.toThrow('not now');
  await expect(teachLesson({ ...order, model: join(scratch, 'none') })).rejects.toThrow(/none/);
});

it('asks in both languages', () => {
  expect(LESSON_QUESTIONS.en).toHaveLength(LESSON_QUESTIONS.zh.length);
});
