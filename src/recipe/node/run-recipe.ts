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
import { join } from 'node:path';
import { elementCount, type HostTensor } from '../../core/index.ts';
import { SimpleMultimodalModel, type FusionConfig } from '../../models/fusion/model.ts';
import { fusionWeights, saveFusionModel } from '../../models/fusion/node/save.ts';
import type { FusionPreprocessing } from '../../models/fusion/processor.ts';
import { FusionTraining, type TrainingOutcome } from '../../train/index.ts';
import { fusionConfigOf, trainerOptionsOf } from '../build.ts';
import { isPretraining } from '../pretraining.ts';
import type { TrainingRecipe } from '../types.ts';
import { meanFigures } from './evaluate-pretraining.ts';
import { testReport } from '../test-report.ts';
import { RunEvaluator, type RunEvaluation } from './evaluate-run.ts';
import { initialWeights } from './initial-weights.ts';
import { defaultCacheFolder, recordRun, type Run, runCourse, type RunOptions, settleOptions, withRun } from './run.ts';
import { checkRunFolder } from './run-files.ts';
import { settleBatch } from './settle-batch.ts';
import { prepareTrainingData, type TrainingData } from './training-data.ts';

/** How a run ended. */
export interface RunOutcome {
  readonly folder: string;
  readonly training: TrainingOutcome;
  /** Weights of the model. */
  readonly parameters: number;
  /** Folder of the trained model and its test, unless the run was interrupted. */
  readonly finished: { readonly model: string; readonly evaluation: RunEvaluation } | undefined;
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
  return await withRun(recipe, trainerOptionsOf(recipe).identity, options, async (run) => {
    const config = fusionConfigOf(
      recipe.model,
      data.tokenizer.vocabSize,
      data.preprocessing.classNames.length,
      recipe.objectives,
    );
    const context = { run, recipe, data, config };
    const trained = await train(context);
    const own = fusionWeights(config, trained.weights);
    const parameters = Object.values(own).reduce((sum, { shape }) => sum + elementCount(shape), 0);
    const outcome = { folder, training: trained.outcome, parameters };
    if (trained.outcome.ended === 'interrupted' || options.trial !== undefined)
      return { ...outcome, finished: undefined };
    run.observer.end('being tested');
    const evaluation = await finish(context, trained.weights).catch((error: unknown) => {
      if (options.interrupt?.aborted === true && error === options.interrupt.reason) return undefined;
      throw error;
    });
    if (evaluation === undefined) return { ...outcome, finished: undefined };
    const { scored: _, ...figures } = evaluation;
    await recordRun(run, { outcome, figures, ...testReport(evaluation, data.preprocessing.classNames) });
    return { ...outcome, finished: { model: join(folder, 'model'), evaluation } };
  });
}

interface RunContext {
  readonly run: Run;
  readonly recipe: TrainingRecipe;
  readonly data: TrainingData;
  readonly config: FusionConfig;
}

/** @returns averaged weights where the recipe asks for them, by the paths of the training model */
async function train(context: RunContext): Promise<{ outcome: TrainingOutcome; weights: Record<string, HostTensor> }> {
  const { run, recipe, data, config } = context;
  const trainable = trainableOf(context);
  const { from } = recipe.model;
  const { seed, ema } = recipe.train;
  let evaluator: RunEvaluator | undefined;
  const validate = async (all: Record<string, HostTensor>): Promise<Record<string, number>> => {
    if (isPretraining(recipe.data)) return (await pretrainingFigures(context, all)) ?? {};
    const own = fusionWeights(config, all);
    evaluator ??= await RunEvaluator.create(run.runtime, recipe, data, config, own);
    return evaluator.validate(own);
  };
  try {
    return await runCourse(run, {
      trainable,
      ...(from === undefined ? {} : { weights: await initialWeights(trainable.model, from, seed) }),
      trainer: trainerOptionsOf(recipe),
      data: data.train,
      workers: recipe.data.workers,
      hooks: { evaluate: async (step) => validate(await step.readWeights(ema > 0)) },
    });
  } finally {
    evaluator?.dispose();
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
  const { run, recipe, data } = context;
  if (data.validation === undefined) return undefined;
  const trainable = trainableOf(context, false);
  return await meanFigures(run.runtime, trainable, all, data.validation, {
    workers: recipe.data.workers,
    interrupt: run.options.interrupt,
  });
}

/** Fixes the threshold on validation data, writes the model, and tests it. */
async function finish(context: RunContext, all: Record<string, HostTensor>): Promise<RunEvaluation> {
  const { run, recipe, data, config } = context;
  if (isPretraining(recipe.data)) {
    const model = { config, weights: all, tokenizer: data.tokenizer, preprocessing: data.preprocessing };
    await saveFusionModel(join(recipe.output, 'model'), model, { overwrite: true });
    return { kind: 'pretraining', validation: await pretrainingFigures(context, all), scored: [] };
  }
  const weights = fusionWeights(config, all);
  const evaluator = await RunEvaluator.create(run.runtime, recipe, data, config, weights, run.options.interrupt);
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
