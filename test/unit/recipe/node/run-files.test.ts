import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRecipe, trainingRecipe, type TrainingRecipe } from '../../../../src/recipe/index.ts';
import { trainerOptionsOf } from '../../../../src/recipe/build.ts';
import { checkRunFolder, discardEmptyRun, openRunFiles } from '../../../../src/recipe/node/run-files.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const folder = temporaryFolder();

function recipe(output: string, ...set: string[]): TrainingRecipe {
  const file = new URL('../../../../recipes/easy-vqa.yaml', import.meta.url);
  return parseRecipe(trainingRecipe, readFileSync(file, 'utf8'), 'easy-vqa.yaml', [`output=${output}`, ...set]);
}

function identity(of: TrainingRecipe): string | undefined {
  return trainerOptionsOf(of).identity;
}

describe('the folder of a run', () => {
  it('is removed when the run failed before its first step, and kept after one', async () => {
    const path = join(folder, 'empty');
    const files = await openRunFiles(recipe(path), identity(recipe(path)), false, () => undefined);
    await files.metrics.close();
    // What a run with `model.create` begins with.
    mkdirSync(join(path, 'first'));
    writeFileSync(join(path, 'first', 'config.json'), '{}');
    await discardEmptyRun(path);
    expect(existsSync(path)).toBe(false);

    const again = await openRunFiles(recipe(path), identity(recipe(path)), false, () => undefined);
    await again.metrics.append({ kind: 'validation', step: 1, seconds: 1, values: {} });
    await again.metrics.close();
    mkdirSync(join(path, 'first'));
    await discardEmptyRun(path);
    expect(existsSync(join(path, 'metrics.jsonl'))).toBe(true);
    expect(existsSync(join(path, 'first'))).toBe(true);
  });

  it('holds the recipe as it was run, which reads back the same', async () => {
    const path = join(folder, 'recipe');
    const files = await openRunFiles(
      recipe(path, 'train.seed=9'),
      identity(recipe(path, 'train.seed=9')),
      false,
      () => undefined,
    );
    await files.metrics.close();
    const text = readFileSync(join(path, 'recipe.yaml'), 'utf8');
    expect(parseRecipe(trainingRecipe, text, 'recipe.yaml')).toEqual(recipe(path, 'train.seed=9'));
  });

  it('is refused when it holds a run, unless that is resumed', async () => {
    const path = join(folder, 'taken');
    const files = await openRunFiles(recipe(path), identity(recipe(path)), false, () => undefined);
    await files.metrics.close();
    await expect(checkRunFolder(path, false)).rejects.toThrow(/holds a run already/);
    await expect(checkRunFolder(path, true)).resolves.toBeUndefined();
  });

  it('is refused when it is a file', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'x');
    await expect(openRunFiles(recipe(path), identity(recipe(path)), false, () => undefined)).rejects.toThrow(
      /cannot be made/,
    );
  });
});
