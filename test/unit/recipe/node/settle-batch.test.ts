import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { RecipeError } from '../../../../src/core/index.ts';
import { parseRecipe, trainingRecipe, type TrainingRecipe } from '../../../../src/recipe/index.ts';
import { settleBatch, type SettleOptions } from '../../../../src/recipe/node/settle-batch.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const folder = temporaryFolder();
const MIB = 2 ** 20;
const FILE = new URL('../../../../recipes/easy-vqa.yaml', import.meta.url);

function recipe(output: string, ...set: string[]): TrainingRecipe {
  const text = readFileSync(FILE, 'utf8');
  return parseRecipe(trainingRecipe, text, 'easy-vqa.yaml', [`output=${output}`, ...set]);
}

/** Measures as if a batch took 200 MiB and 50 for each sample. */
function settling(name: string): { options: SettleOptions; measured: number[]; said: string[] } {
  const measured: number[] = [];
  const said: string[] = [];
  const options: SettleOptions = {
    resume: false,
    cacheFolder: join(folder, name),
    say: (text) => said.push(text),
    free: 2048 * MIB,
    measurer: (_, limit) => async (batch) => {
      measured.push(batch);
      const bytes = (200 + 50 * batch) * MIB;
      return bytes > limit ? undefined : bytes;
    },
  };
  return { options, measured, said };
}

describe('train.batch: auto', () => {
  it('is the biggest batch within the budget, and is not looked for again', async () => {
    const { options, measured, said } = settling('cache');
    const asked = recipe(join(folder, 'a'), 'train.batch=auto', 'train.memory=800MiB');
    const settled = await settleBatch(asked, options);
    // 200 + 50 · 12 = 800
    expect(settled.train.batch).toBeGreaterThanOrEqual(11);
    expect(settled.train.batch).toBeLessThanOrEqual(12);
    expect(settled.train).not.toHaveProperty('memory');
    expect(said.join('\n')).toMatch(/16 in a batch: does not fit/);
    expect(said.at(-1)).toMatch(/batches of 1[12], which take \d+ MiB of 800 MiB/);
    const before = measured.length;
    const elsewhere = recipe(join(folder, 'b'), 'train.batch=auto', 'train.memory=800MiB');
    expect((await settleBatch(elsewhere, options)).train.batch).toBe(settled.train.batch);
    expect(measured).toHaveLength(before);
    await settleBatch(recipe(join(folder, 'a'), 'train.batch=auto', 'train.memory=800MiB', 'train.seed=9'), options);
    expect(measured.length).toBeGreaterThan(before);
  });

  it('writes a recipe that reads back with the number', async () => {
    const { options } = settling('copy');
    const settled = await settleBatch(recipe('a', 'train.batch=auto', 'train.memory=50%'), options);
    expect(parseRecipe(trainingRecipe, stringify(settled), 'recipe.yaml')).toEqual(settled);
  });

  it('looks again where the file of an earlier search is damaged', async () => {
    const { options, measured } = settling('damaged');
    const asked = recipe('a', 'train.batch=auto');
    await settleBatch(asked, options);
    const [file] = readdirSync(join(options.cacheFolder, 'batches'));
    writeFileSync(join(options.cacheFolder, 'batches', file!), '{"batch":-1,"bytes":5}');
    const before = measured.length;
    await settleBatch(asked, options);
    expect(measured).toHaveLength(2 * before);
  });

  it('stays what it was when a run goes on', async () => {
    const { options, measured } = settling('resume');
    const output = join(folder, 'resumed');
    mkdirSync(output);
    writeFileSync(join(output, 'recipe.yaml'), stringify(recipe(output, 'train.batch=13')));
    const settled = await settleBatch(recipe(output, 'train.batch=auto'), { ...options, resume: true });
    expect(settled.train.batch).toBe(13);
    expect(measured).toEqual([]);
    const fresh = await settleBatch(recipe(join(folder, 'none'), 'train.batch=auto'), { ...options, resume: true });
    expect(fresh.train.batch).toBeGreaterThan(0);
  });

  it('leaves a number as it is, and refuses what is no budget', async () => {
    const { options } = settling('number');
    const fixed = recipe('a', 'train.batch=7');
    expect(await settleBatch(fixed, options)).toBe(fixed);
    await expect(settleBatch(recipe('a', 'train.batch=auto', 'train.memory=lots'), options)).rejects.toThrow(
      RecipeError,
    );
    expect(() => recipe('a', 'train.batch=7', 'train.memory=4GiB')).toThrow(/only for train.batch: auto/);
    expect(() => recipe('a', 'train.batch=much')).toThrow(RecipeError);
  });
});

describe('train.stopping', () => {
  it('needs evaluations, and becomes the trainer’s', () => {
    expect(() => recipe('a', 'train.stopping.metric=accuracy', 'train.evaluateEvery=0')).toThrow(/evaluateEvery/);
    const { stopping } = recipe(
      'a',
      'train.stopping.metric=accuracy',
      'train.stopping.patience=3',
      'train.evaluateEvery=10',
    ).train;
    expect(stopping).toEqual({ metric: 'accuracy', mode: 'max', patience: 3, margin: 0, keepBest: true });
  });
});
