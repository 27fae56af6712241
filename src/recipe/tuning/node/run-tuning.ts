/**
 * A recipe for a model of pictures and texts, from beginning to end. The folder of a run:
 *
 *     recipe.yaml           as it was run
 *     first/                the model that a run with `model.create` begins with
 *     metrics.jsonl         a record for each step and evaluation
 *     checkpoints/          to go on from
 *     model/                the trained model, as `load` reads it; with `model.lora` its adapter is in adapter/ instead
 *     concepts.safetensors  vectors of concepts, where the objectives have them
 *     result.json           what was spent and what came of it
 *     report.html           curves and facts as a page
 *     tensorboard/          event files, where they are asked for
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { elementCount } from '../../../core/index.ts';
import { createModel, type ReadingArchitecture, readingModel } from '../../../auto/index.ts';
import { openModel, resolveModel } from '../../../auto/node/index.ts';
import type { TrainerOptions, TrainingOutcome } from '../../../train/index.ts';
import { trainerOptions } from '../../build.ts';
import { CONVERSATIONS_MODULE, type ConversationsOptions } from '../../conversations/node/dataset.ts';
import { textsOf } from '../../conversations/node/sources.ts';
import {
  defaultCacheFolder,
  note,
  recordRun,
  runCourse,
  type RunOptions,
  settleOptions,
  withRun,
} from '../../node/run.ts';
import { checkRunFolder, FIRST } from '../../node/run-files.ts';
import { settleBatch } from '../../node/settle-batch.ts';
import { imageSizeOf, shapeOf } from '../shape.ts';
import type { TuningRecipe } from '../types.ts';
import { heldHooks } from './held-hooks.ts';
import { createModelFolder } from './new-model.ts';
import { SeenPictures } from './seen-pictures.ts';
import { standardized } from './standardize.ts';
import { type Taught, taughtBy } from './taught.ts';

/** How a run ended. */
export interface TuningOutcome {
  readonly folder: string;
  readonly training: TrainingOutcome;
  /** Weights that were trained, or held beside them. */
  readonly parameters: number;
  /** Folder of the trained model or adapter, unless the run was interrupted. */
  readonly model: string | undefined;
}

/**
 * Trains and writes the model.
 * @throws RecipeError, DataError, CheckpointError, TrainingError, DeviceError
 */
export async function runTuning(asked: TuningRecipe, options: RunOptions = {}): Promise<TuningOutcome> {
  const folder = asked.output;
  await checkRunFolder(folder, options.resume === true);
  const recipe = await settleBatch(asked, settleOptions(options));
  return await withRun(recipe, tuningOptions(recipe).identity, options, async (run) => {
    const start = await startFolder(recipe, options);
    const opened = await openModel(start);
    // A new tree, since the weights of the opened one know their paths already, without the objective around them.
    const architecture = readingModel(createModel(opened.files.config, start), start);
    const taught = await taughtBy(recipe, { start, opened, architecture });
    const data = datasetOf(recipe, { start, architecture, taught, options });
    const { weights } = taught;
    // A run that goes on has its weights from a checkpoint.
    if (recipe.model.standardize && run.files.saved === undefined)
      Object.assign(weights, await standardized(weights, data, { runtime: run.runtime, network: architecture.model }));
    const seen = taught.seesAlike ? await SeenPictures.create(run.runtime, opened) : undefined;
    const trained = await runCourse(run, {
      trainable: taught.trainable,
      weights,
      ...(taught.frozen === undefined ? {} : { frozen: taught.frozen }),
      ...(seen === undefined ? {} : { prepare: (batch) => seen.prepare(batch) }),
      trainer: { ...tuningOptions(recipe), groups: taught.groups },
      data: { module: CONVERSATIONS_MODULE, options: data },
      workers: recipe.data.workers,
      hooks: heldHooks({
        recipe,
        start,
        taught,
        sources: data.sources,
        weightsOf: (step) => step.readWeights(recipe.train.ema > 0),
      }),
    }).finally(() => seen?.dispose());
    const parameters = Object.values(trained.weights).reduce((sum, { shape }) => sum + elementCount(shape), 0);
    const outcome = { folder, training: trained.outcome, parameters };
    if (trained.outcome.ended === 'interrupted' || options.trial !== undefined) return { ...outcome, model: undefined };
    const saved = { ...outcome, model: await taught.save(folder, trained.weights) };
    await recordRun(run, { outcome: saved });
    return saved;
  });
}

/** Where training begins: a folder that is there, or a new model's. */
async function startFolder(recipe: TuningRecipe, options: RunOptions): Promise<string> {
  const { from, create } = recipe.model;
  if (from !== undefined) return resolveModel(from);
  const first = join(recipe.output, FIRST);
  // A run that goes on has it already.
  if (options.resume === true && (await stat(join(first, 'model.safetensors')).catch(() => undefined)) !== undefined)
    return first;
  note(options.stream)('making a tokenizer of the texts, and a model with first weights');
  await createModelFolder(
    first,
    create!,
    await textsOf(recipe.data.sources, options.cacheFolder ?? defaultCacheFolder()),
    recipe.train.seed,
  );
  return first;
}

/** The dataset that workers make. */
function datasetOf(
  recipe: TuningRecipe,
  {
    start,
    architecture,
    taught,
    options,
  }: {
    readonly start: string;
    readonly architecture: ReadingArchitecture;
    readonly taught: Taught;
    readonly options: RunOptions;
  },
): ConversationsOptions {
  const { data, train } = recipe;
  return {
    model: start,
    sources: {
      sources: data.sources,
      seed: train.seed,
      imageSize: imageSizeOf(architecture),
      cacheFolder: options.cacheFolder ?? defaultCacheFolder(),
    },
    shape: shapeOf(recipe, architecture, taught.regions),
    seed: train.seed,
  };
}

/** How the trainer is to run. Who makes the batches changes nothing. */
function tuningOptions(recipe: TuningRecipe): TrainerOptions {
  const { model, data, objectives } = recipe;
  return trainerOptions(recipe, { model, data: { ...data, workers: null }, objectives });
}
