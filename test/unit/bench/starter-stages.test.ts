import { join } from 'node:path';
import { expect, it } from 'vitest';
import { starterStages } from '../../../bench/workloads/starter-stages.ts';
import { type AnyRecipe, readAnyRecipe } from '../../../src/recipe/node/index.ts';
import { createModelFolder } from '../../../src/recipe/tuning/node/new-model.ts';
import { temporaryFolder } from '../hub/node/temporary.ts';

const folder = temporaryFolder();
const runOf = (name: string): string => join(folder, name);

it('begins with a model that can be made, and each stage with what those before it leave', async () => {
  const stages = await starterStages(runOf);
  const read: AnyRecipe[] = [];
  for (const { name, args } of stages) {
    const [path, ...sets] = args.filter((arg) => arg !== '--set');
    read.push(await readAnyRecipe(path!, [...sets, `output=${runOf(name)}`]));
  }
  const models = read.flatMap((each) => (each.kind === 'image-text' ? [each.recipe.model] : []));
  expect(models).toHaveLength(stages.length);
  expect(models[0]!.create).toBeDefined();
  for (const [i, { from, conceptsFrom }] of models.entries()) {
    const earlier = stages.slice(0, i).map(({ name }) => runOf(name));
    if (i > 0) expect(earlier.map((run) => join(run, 'model'))).toContain(from);
    if (conceptsFrom !== undefined) expect(earlier).toContain(conceptsFrom);
  }
  // Sizes that fit each other.
  await createModelFolder(runOf('model'), models[0]!.create!, ['What is this? A red cat.'], 1);
});
