/**
 * A recipe from beginning to end. The folder of a run:
 *
 *     recipe.yaml     as it was run
 *     metrics.jsonl   a record for each step and evaluation
 *     checkpoints/    to go on from
 *     model/          config.json, model.safetensors, tokenizer.json, preprocessor_config.json
 *     result.json     what the test split gave
 *     report.html     curves, test and facts as a page
 *     tensorboard/    event files, where they are asked for
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { elementCount, type HostTensor } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { createProgress, type Progress, type ProgressStream } from '../../core/node/terminal.ts';
import type { ReportProgress } from '../../data/index.ts';
import { openLoader } from '../../data/node/index.ts';
import { SimpleMultimodalModel, type FusionConfig } from '../../models/fusion/model.ts';
import { fusionWeights, saveFusionModel } from '../../models/fusion/node/save.ts';
import type { FusionPreprocessing } from '../../models/fusion/processor.ts';
import { createRuntime } from '../../runtime/node/index.ts';
import type { Runtime } from '../../runtime/types.ts';
import { FusionTraining, Trainer, type TrainerOptions, type TrainingOutcome } from '../../train/index.ts';
import { fusionConfigOf, trainerOptionsOf } from '../build.ts';
import { isPretraining } from '../pretraining.ts';
import type { TrainingRecipe } from '../types.ts';
import { meanFigures } from './evaluate-pretraining.ts';
import { testReport } from '../test-report.ts';
import { RunEvaluator, type RunEvaluation } from './evaluate-run.ts';
import { initialWeights } from './initial-weights.ts';
import { checkRunFolder, discardEmptyRun, openRunFiles, type RunFiles } from './run-files.ts';
import { RunObserver } from './run-observer.ts';
import { settleBatch, type SettleOptions } from './settle-batch.ts';
import { prepareTrainingData, type TrainingData } from './training-data.ts';

/** How a recipe is run. */
export interface RunOptions {
  /** Go on from the newest checkpoint in the folder of the run; without one, begin. */
  readonly resume?: boolean;
  /** Aborted when the run shall save and end. */
  readonly interrupt?: AbortSignal;
  /** Where progress goes; standard error by default. */
  readonly stream?: ProgressStream;
  /** Show the run as a page while it goes on: a port of this machine, or true for the usual one. */
  readonly live?: number | boolean;
  /** Write event files for TensorBoard. */
  readonly tensorboard?: boolean;
  /** Make so many steps and nothing of them: no checkpoint, no model, no test. For measurements. */
  readonly trial?: number;
  /** Folder for rendered drawings; by default `sensorium` in the user's folder of caches. */
  readonly cacheFolder?: string;
}

/** How a run ended. */
export interface RunOutcome {
  readonly folder: string;
  readonly training: TrainingOutcome;
  /** Weights of the model. */
  readonly parameters: number;
  /** Folder of the trained model and its test, unless the run was interrupted. */
  readonly finished: { readonly model: string; readonly evaluation: RunEvaluation } | undefined;
}

/** Where rendered drawings are kept: `SENSORIUM_CACHE`, or `sensorium` in the user's folder of caches. */
export function defaultCacheFolder(): string {
  const { SENSORIUM_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  return own || join(shared || join(homedir(), '.cache'), 'sensorium');
}

/**
 * Trains, writes the model and evaluates it once on the test split.
 * @throws RecipeError, DataError, CheckpointError, TrainingError, DeviceError
 */
export async function runRecipe(asked: TrainingRecipe, options: RunOptions = {}): Promise<RunOutcome> {
  const folder = asked.output;
  await checkRunFolder(folder, options.resume === true);
  const recipe = await settleBatch(asked, settleOptions(options));
  const data = await prepareTrainingData(recipe, options.cacheFolder ?? defaultCacheFolder());
  const { identity } = trainerOptionsOf(recipe);
  const files = await openRunFiles(recipe, identity, options.resume === true, note(options.stream));
  let observer: RunObserver | undefined;
  try {
    observer = await RunObserver.open({ ...options, folder, metrics: files.metrics });
    const config = fusionConfigOf(
      recipe.model,
      data.tokenizer.vocabSize,
      data.preprocessing.classNames.length,
      recipe.objectives,
    );
    const runtime = await createRuntime(recipe.train.threads === undefined ? {} : { threads: recipe.train.threads });
    try {
      const trained = await train({ recipe, options, data, config, runtime, observer, ...files });
      const own = fusionWeights(config, trained.weights);
      const parameters = Object.values(own).reduce((sum, { shape }) => sum + elementCount(shape), 0);
      const outcome = { folder, training: trained.outcome, parameters };
      if (trained.outcome.ended === 'interrupted' || options.trial !== undefined)
        return { ...outcome, finished: undefined };
      observer.end('being tested');
      const evaluation = await finish({ recipe, options, data, config, runtime }, trained.weights).catch(
        (error: unknown) => {
          if (options.interrupt?.aborted === true && error === options.interrupt.reason) return undefined;
          throw error;
        },
      );
      if (evaluation === undefined) return { ...outcome, finished: undefined };
      const { scored: _, ...figures } = evaluation;
      const result = {
        ...outcome,
        seed: recipe.train.seed,
        engine: runtime.version,
        threads: runtime.threads,
        ...figures,
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
        ...testReport(evaluation, data.preprocessing.classNames),
      });
      observer.end('done');
      return { ...outcome, finished: { model: join(folder, 'model'), evaluation } };
    } finally {
      await runtime.dispose();
    }
  } finally {
    await observer?.close();
    await files.metrics.close();
    await discardEmptyRun(folder);
  }
}

interface RunContext {
  readonly recipe: TrainingRecipe;
  readonly options: RunOptions;
  readonly data: TrainingData;
  readonly config: FusionConfig;
  readonly runtime: Runtime;
}

/** @returns averaged weights where the recipe asks for them, by the paths of the training model */
async function train(
  context: RunContext & RunFiles & { readonly observer: RunObserver },
): Promise<{ outcome: TrainingOutcome; weights: Record<string, HostTensor> }> {
  const { recipe, options, data, config, runtime, saved, checkpoints, observer } = context;
  const trainable = trainableOf(context);
  const { from } = recipe.model;
  const weights = from === undefined ? undefined : await initialWeights(trainable.model, from, recipe.train.seed);
  const preparation = preparationReport(options.stream);
  let evaluator: RunEvaluator | undefined;
  const weightsOf = async (step: Trainer['step']): Promise<Record<string, HostTensor>> =>
    await step.readWeights(recipe.train.ema > 0);
  const validate = async (all: Record<string, HostTensor>): Promise<Record<string, number>> => {
    if (isPretraining(recipe.data)) return (await pretrainingFigures(context, all)) ?? {};
    const own = fusionWeights(config, all);
    evaluator ??= await RunEvaluator.create(runtime, recipe, data, config, own);
    return evaluator.validate(own);
  };
  const { minutes, batch, seed } = recipe.train;
  const trainer = await Trainer.open(
    {
      runtime,
      trainable,
      resume: saved,
      ...(weights === undefined ? {} : { weights }),
      openData: async (start) => {
        const { workers } = recipe.data;
        const loader = await openLoader(data.train, {
          seed,
          batchSize: batch,
          workers,
          report: preparation.report,
          ...(start === undefined ? {} : { start }),
        });
        preparation.done();
        return loader;
      },
    },
    forTrial(trainerOptionsOf(recipe), options),
    {
      ...(options.trial === undefined ? { checkpoints } : {}),
      ...observer.hooks,
      ...(options.interrupt === undefined ? {} : { interrupt: options.interrupt }),
      evaluate: async (step) => validate(await weightsOf(step)),
    },
  );
  observer.begin(minutes === undefined || options.trial !== undefined ? { steps: trainer.totalSteps! } : { minutes });
  try {
    const outcome = await trainer.run();
    return { outcome, weights: await weightsOf(trainer.step) };
  } finally {
    observer.end('ended');
    evaluator?.dispose();
    await trainer.close();
  }
}

/** The model with its objectives. @param weights how much each counts */
export function trainableOf(
  { config, data, recipe: { objectives } }: Pick<RunContext, 'config' | 'data' | 'recipe'>,
  momentum = true,
): FusionTraining {
  const weights = { ...objectives, concepts: data.concepts, ...(momentum ? {} : { momentum: 0 }) };
  const twin = (weights.momentum ?? 0) > 0 ? new SimpleMultimodalModel(config) : undefined;
  return new FusionTraining(new SimpleMultimodalModel(config), weights, twin);
}

/** What pretraining comes to on validation data, where there are any. @param all weights by the paths of the training model */
async function pretrainingFigures(
  context: RunContext,
  all: Record<string, HostTensor>,
): Promise<Record<string, number> | undefined> {
  const { recipe, options, data, runtime } = context;
  if (data.validation === undefined) return undefined;
  const trainable = trainableOf(context, false);
  return await meanFigures(runtime, trainable, all, data.validation, {
    workers: recipe.data.workers,
    interrupt: options.interrupt,
  });
}

/** Fixes the threshold on validation data, writes the model, and tests it. */
async function finish(context: RunContext, all: Record<string, HostTensor>): Promise<RunEvaluation> {
  const { recipe, options, data, config, runtime } = context;
  if (isPretraining(recipe.data)) {
    const model = { config, weights: all, tokenizer: data.tokenizer, preprocessing: data.preprocessing };
    await saveFusionModel(join(recipe.output, 'model'), model, { overwrite: true });
    return { kind: 'pretraining', validation: await pretrainingFigures(context, all), scored: [] };
  }
  const weights = fusionWeights(config, all);
  const evaluator = await RunEvaluator.create(runtime, recipe, data, config, weights, options.interrupt);
  try {
    const threshold = await evaluator.threshold();
    const preprocessing: FusionPreprocessing =
      threshold === undefined ? data.preprocessing : { ...data.preprocessing, threshold: threshold.value };
    const model = { config, weights, tokenizer: data.tokenizer, preprocessing };
    await saveFusionModel(join(recipe.output, 'model'), model, { overwrite: true });
    return await evaluator.test(threshold);
  } finally {
    evaluator.dispose();
  }
}

/** A bar for each preparation that takes a while. */
export function preparationReport(stream: ProgressStream | undefined): { report: ReportProgress; done: () => void } {
  let bar: Progress | undefined;
  let shown: string | undefined;
  return {
    report(done, total, what) {
      if (what !== shown) {
        bar?.done();
        bar = createProgress({ total, label: what, stream });
        shown = what;
      }
      bar?.update({ step: done });
    },
    done: () => bar?.done(),
  };
}

export function note(stream: ProgressStream = process.stderr): (text: string) => void {
  return (text) => void stream.write(`${text}\n`);
}

/** How the batch of a run is settled. */
export function settleOptions(options: RunOptions): SettleOptions {
  const { resume = false, cacheFolder = defaultCacheFolder(), stream } = options;
  return { resume, cacheFolder, say: note(stream) };
}

/** The same steps, but only as many as a trial makes. */
export function forTrial(trainer: TrainerOptions, { trial }: RunOptions): TrainerOptions {
  return trial === undefined ? trainer : { ...trainer, length: { steps: trial } };
}
