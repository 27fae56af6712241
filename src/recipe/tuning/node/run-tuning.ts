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
import { stringify } from 'yaml';
import { elementCount, type HostTensor } from '../../../core/index.ts';
import { writeFileAtomic } from '../../../core/node/files.ts';
import { createModel, type ReadingArchitecture, readingModel } from '../../../auto/index.ts';
import { openModel, resolveModel } from '../../../auto/node/index.ts';
import { openLoader } from '../../../data/node/index.ts';
import { createRuntime } from '../../../runtime/node/index.ts';
import type { Runtime } from '../../../runtime/types.ts';
import { Trainer, type TrainerOptions, type TrainingOutcome } from '../../../train/index.ts';
import { trainerOptions } from '../../build.ts';
import { CONVERSATIONS_MODULE, type ConversationsOptions } from '../../conversations/node/dataset.ts';
import { textsOf } from '../../conversations/node/sources.ts';
import {
  defaultCacheFolder,
  forTrial,
  note,
  preparationReport,
  type RunOptions,
  settleOptions,
} from '../../node/run-recipe.ts';
import { settleBatch } from '../../node/settle-batch.ts';
import { checkRunFolder, discardEmptyRun, openRunFiles, type RunFiles } from '../../node/run-files.ts';
import { RunObserver } from '../../node/run-observer.ts';
import { imageSizeOf, shapeOf } from '../shape.ts';
import type { TuningRecipe } from '../types.ts';
import { heldHooks } from './held-hooks.ts';
import { createModelFolder } from './new-model.ts';
import { adapterOf, type Taught, wholeModel } from './taught.ts';

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
  const resume = options.resume === true;
  await checkRunFolder(folder, resume);
  const recipe = await settleBatch(asked, settleOptions(options));
  const files = await openRunFiles(recipe, tuningOptions(recipe).identity, resume, note(options.stream));
  let observer: RunObserver | undefined;
  try {
    observer = await RunObserver.open({ ...options, folder, metrics: files.metrics });
    const start = await startFolder(recipe, options);
    const opened = await openModel(start);
    // A new tree, since the weights of the opened one know their paths already, without the objective around them.
    const architecture = readingModel(createModel(opened.files.config, start), start);
    const runtime = await createRuntime(recipe.train.threads === undefined ? {} : { threads: recipe.train.threads });
    try {
      const taught = await (recipe.model.lora === undefined ? wholeModel : adapterOf)(recipe, start, architecture);
      const trained = await train({ recipe, options, start, architecture, taught, runtime, observer, ...files });
      const parameters = Object.values(trained.weights).reduce((sum, { shape }) => sum + elementCount(shape), 0);
      const outcome = { folder, training: trained.outcome, parameters };
      if (trained.outcome.ended === 'interrupted' || options.trial !== undefined)
        return { ...outcome, model: undefined };
      const saved = await taught.save(folder, trained.weights);
      const result = {
        ...outcome,
        model: saved,
        seed: recipe.train.seed,
        engine: runtime.version,
        threads: runtime.threads,
      };
      await writeFileAtomic(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
      await observer.writeReport({
        run: folder,
        outcome: trained.outcome,
        createdAt: new Date().toISOString(),
        recipe: stringify(recipe),
        parameters,
        engine: runtime.version,
        threads: runtime.threads,
        seed: recipe.train.seed,
      });
      observer.end('done');
      return { ...outcome, model: saved };
    } finally {
      await runtime.dispose();
    }
  } finally {
    await observer?.close();
    await files.metrics.close();
    await discardEmptyRun(folder);
  }
}

/** Where training begins: a folder that is there, or a new model's. */
async function startFolder(recipe: TuningRecipe, options: RunOptions): Promise<string> {
  const { from, create } = recipe.model;
  if (from !== undefined) return resolveModel(from);
  const first = join(recipe.output, 'first');
  // A run that goes on has it already.
  if ((await stat(join(first, 'model.safetensors')).catch(() => undefined)) !== undefined) return first;
  note(options.stream)('making a tokenizer of the texts, and a model with first weights');
  await createModelFolder(
    first,
    create!,
    await textsOf(recipe.data.sources, options.cacheFolder ?? defaultCacheFolder()),
    recipe.train.seed,
  );
  return first;
}

interface TuningContext extends RunFiles {
  readonly recipe: TuningRecipe;
  readonly options: RunOptions;
  readonly start: string;
  readonly architecture: ReadingArchitecture;
  readonly taught: Taught;
  readonly runtime: Runtime;
  readonly observer: RunObserver;
}

async function train(
  context: TuningContext,
): Promise<{ outcome: TrainingOutcome; weights: Record<string, HostTensor> }> {
  const { recipe, options, start, architecture, taught, runtime, saved, checkpoints, observer } = context;
  const { data, train: course } = recipe;
  const preparation = preparationReport(options.stream);
  const dataset: ConversationsOptions = {
    model: start,
    sources: {
      sources: data.sources,
      seed: course.seed,
      imageSize: imageSizeOf(architecture),
      cacheFolder: options.cacheFolder ?? defaultCacheFolder(),
    },
    shape: shapeOf(recipe, architecture, taught.regions),
    seed: course.seed,
  };
  const trainer = await Trainer.open(
    {
      runtime,
      trainable: taught.trainable,
      weights: taught.weights,
      ...(taught.frozen === undefined ? {} : { frozen: taught.frozen }),
      resume: saved,
      openData: async (position) => {
        const loader = await openLoader(
          { module: CONVERSATIONS_MODULE, options: dataset },
          {
            seed: course.seed,
            batchSize: course.batch,
            workers: data.workers,
            report: preparation.report,
            ...(position === undefined ? {} : { start: position }),
          },
        );
        preparation.done();
        return loader;
      },
    },
    { ...forTrial(tuningOptions(recipe), options), groups: taught.groups },
    {
      ...(options.trial === undefined ? { checkpoints } : {}),
      ...observer.hooks,
      ...heldHooks({
        recipe,
        start,
        taught,
        sources: dataset.sources,
        weightsOf: (step) => step.readWeights(course.ema > 0),
      }),
      ...(options.interrupt === undefined ? {} : { interrupt: options.interrupt }),
    },
  );
  const { minutes } = course;
  observer.begin(minutes === undefined || options.trial !== undefined ? { steps: trainer.totalSteps! } : { minutes });
  try {
    const outcome = await trainer.run();
    return { outcome, weights: await trainer.step.readWeights(course.ema > 0) };
  } finally {
    observer.end('ended');
    await trainer.close();
  }
}

/** How the trainer is to run. Who makes the batches changes nothing. */
function tuningOptions(recipe: TuningRecipe): TrainerOptions {
  const { model, data, objectives } = recipe;
  return trainerOptions(recipe, { model, data: { ...data, workers: null }, objectives });
}
