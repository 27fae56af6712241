import { openLoader } from '../../../data/node/index.ts';
import type { Batch } from '../../../data/index.ts';
import { signatureOf } from '../../../train/index.ts';
import { fusionConfigOf, updateOf } from '../../build.ts';
import { trainableOf } from '../../node/run-recipe.ts';
import { prepareTrainingData } from '../../node/training-data.ts';
import type { TrainingRecipe } from '../../types.ts';
import { budgetOf } from '../budget.ts';
import { automaticBatch, courseFindings, TRIED_BATCH } from '../recipe-checks.ts';
import { batchFindings } from '../batch-checks.ts';
import { attempt, type Examining } from './examine.ts';
import { machineFindings } from './machine.ts';

/** What applies to models that answer from pictures and texts by choosing, and to their pretraining. */
export async function examineFusion(recipe: TrainingRecipe, examining: Examining): Promise<void> {
  const { findings } = examining;
  const data = await attempt(examining, { check: 'data', where: 'data' }, () =>
    prepareTrainingData(recipe, examining.cacheFolder),
  );
  if (data === undefined) return;
  const train = { ...recipe.train, batch: recipe.train.batch || TRIED_BATCH };
  findings.push(...automaticBatch(recipe.train));
  const loaded = await attempt(examining, { check: 'data', where: 'data' }, async () => {
    const loader = await openLoader(data.train, { seed: train.seed, batchSize: train.batch, workers: 0 });
    try {
      const batches: Batch[] = [];
      // One batch decides the shapes; more of them are looked at where they are small.
      while (batches.length * train.batch < examining.samples || batches.length === 0) {
        const next = await loader.next();
        if (next === undefined) break;
        batches.push(next.batch);
      }
      return { batches, perEpoch: loader.batchesPerEpoch };
    } finally {
      await loader.close();
    }
  });
  const first = loaded?.batches[0];
  if (loaded === undefined || first === undefined) return;
  examining.examined = loaded.batches.reduce((sum, { ids }) => sum + ids.length, 0);
  findings.push(
    ...batchFindings(loaded.batches, {
      vocabularySize: data.tokenizer.vocabSize,
      classes: data.preprocessing.classNames.length,
    }),
  );
  const config = fusionConfigOf(
    recipe.model,
    data.tokenizer.vocabSize,
    data.preprocessing.classNames.length,
    recipe.objectives,
  );
  const budget = await attempt(examining, { check: 'model', where: 'model' }, () => {
    const resident = process.memoryUsage.rss();
    return budgetOf({
      trainable: trainableOf({ config, data, recipe }),
      batch: signatureOf(first),
      optimizer: updateOf(recipe),
      accumulate: train.accumulate,
      resident,
    });
  });
  if (budget === undefined) return;
  examining.budget = budget;
  const steps = train.epochs === undefined ? train.steps : (loaded.perEpoch * train.epochs) / train.accumulate;
  findings.push(
    ...(await machineFindings(
      budget,
      { ...train, output: recipe.output, rates: examining.rates },
      { steps: steps === undefined ? undefined : Math.ceil(steps), minutes: train.minutes },
    )),
    ...courseFindings(recipe.schedule.warmup, steps),
  );
}
