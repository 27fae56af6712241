/** Trains for two steps with the batch that it is told, and answers with its peak of memory; see settle-batch.ts. */
import type { TuningRecipe } from '../tuning/types.ts';
import { runTuning } from '../tuning/node/run-tuning.ts';
import type { TrainingRecipe } from '../types.ts';
import { runRecipe } from './run-recipe.ts';
import type { BatchOrder, BatchReply } from './settle-batch.ts';

/** The second step uses what the first one made: optimizer state, second buffers. */
const STEPS = 2;
/** Milliseconds between looks at the memory. */
const WATCH = 50;

process.once('message', (order: BatchOrder) => {
  // It must not take what the machine has not got, even for the moment that a run takes.
  setInterval(() => {
    if (process.memoryUsage.rss() > order.limit) process.exit(1);
  }, WATCH).unref();
  void measure(order).then((reply) => process.send!(reply, () => process.exit(0)));
});

async function measure({ recipe, cacheFolder }: BatchOrder): Promise<BatchReply> {
  const options = {
    trial: STEPS,
    stream: { write: () => true },
    cacheFolder,
  };
  try {
    const { model } = recipe as TrainingRecipe | TuningRecipe;
    if (model.type === 'image-text') await runTuning(recipe as TuningRecipe, options);
    else await runRecipe(recipe as TrainingRecipe, options);
    return { bytes: process.resourceUsage().maxRSS * 1024 };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
