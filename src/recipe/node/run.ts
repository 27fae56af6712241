/** What recipes of every kind do alike: their files, what shows them, the course of their training, and what they leave. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { HostTensor } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { preparationReport, type ProgressStream } from '../../core/node/terminal.ts';
import type { DatasetDescription } from '../../data/index.ts';
import { openLoader } from '../../data/node/index.ts';
import { createRuntime } from '../../runtime/node/index.ts';
import type { Runtime } from '../../runtime/types.ts';
import {
  Trainer,
  type TrainerHooks,
  type TrainerOptions,
  type TrainerParts,
  type TrainingOutcome,
  type TrainingProgress,
} from '../../train/index.ts';
import type { TestSections } from '../run-report.ts';
import { discardEmptyRun, openRunFiles, type RunFiles, type RunnableRecipe } from './run-files.ts';
import { RunObserver } from './run-observer.ts';
import type { SettleOptions } from './settle-batch.ts';

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
  /** Told how it goes on, after each step. */
  readonly onStep?: (progress: TrainingProgress) => void;
}

/** Where rendered drawings are kept: `SENSORIUM_CACHE`, or `sensorium` in the user's folder of caches. */
export function defaultCacheFolder(): string {
  const { SENSORIUM_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  return own || join(shared || join(homedir(), '.cache'), 'sensorium');
}

/** A run that is under way. */
export interface Run {
  readonly recipe: RunnableRecipe;
  readonly options: RunOptions;
  readonly files: RunFiles;
  readonly observer: RunObserver;
  readonly runtime: Runtime;
}

/**
 * Opens what a run needs and closes it at the end, whatever comes between. A run that fails before its first step leaves nothing.
 * @param identity of the run, which a checkpoint must share
 */
export async function withRun<T>(
  recipe: RunnableRecipe,
  identity: string | undefined,
  options: RunOptions,
  body: (run: Run) => Promise<T>,
): Promise<T> {
  const folder = recipe.output;
  const files = await openRunFiles(recipe, identity, options.resume === true, note(options.stream));
  let observer: RunObserver | undefined;
  try {
    observer = await RunObserver.open({ ...options, folder, metrics: files.metrics });
    const runtime = await createRuntime(recipe.train.threads === undefined ? {} : { threads: recipe.train.threads });
    try {
      return await body({ recipe, options, files, observer, runtime });
    } finally {
      await runtime.dispose();
    }
  } finally {
    await observer?.close();
    await files.metrics.close();
    await discardEmptyRun(folder);
  }
}

/** What is trained in a run. */
export interface Course extends Pick<TrainerParts, 'trainable' | 'weights' | 'frozen' | 'prepare'> {
  readonly trainer: TrainerOptions;
  readonly data: DatasetDescription;
  /** Threads that make batches. */
  readonly workers: number;
  readonly hooks?: Pick<TrainerHooks, 'evaluate' | 'samples'>;
}

/** Trains to the end, or until interrupted. @returns averaged weights where the recipe asks for them */
export async function runCourse(
  { recipe, options, files, observer, runtime }: Run,
  { trainable, weights, frozen, prepare, trainer: trainerOptions, data, workers, hooks }: Course,
): Promise<{ outcome: TrainingOutcome; weights: Record<string, HostTensor> }> {
  const { trial, interrupt } = options;
  const { minutes, batch, seed, ema } = recipe.train;
  const preparation = preparationReport(options.stream);
  const trainer = await Trainer.open(
    {
      runtime,
      trainable,
      resume: files.saved,
      ...(weights === undefined ? {} : { weights }),
      ...(frozen === undefined ? {} : { frozen }),
      ...(prepare === undefined ? {} : { prepare }),
      openData: async (start) => {
        const loader = await openLoader(data, {
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
    // The same steps, but only as many as a trial makes.
    trial === undefined ? trainerOptions : { ...trainerOptions, length: { steps: trial } },
    {
      ...(trial === undefined ? { checkpoints: files.checkpoints } : {}),
      ...observer.hooks,
      ...hooks,
      ...(interrupt === undefined ? {} : { interrupt }),
    },
  );
  observer.begin(minutes === undefined || trial !== undefined ? { steps: trainer.totalSteps! } : { minutes });
  try {
    const outcome = await trainer.run();
    return { outcome, weights: await trainer.step.readWeights(ema > 0) };
  } finally {
    observer.end('ended');
    await trainer.close();
  }
}

/**
 * Writes `result.json` and the report of a run that went to its end.
 * @param came.outcome what stands first in the file  @param came.figures what stands last
 */
export async function recordRun(
  { recipe, observer, runtime }: Run,
  came: {
    readonly outcome: { readonly folder: string; readonly training: TrainingOutcome; readonly parameters: number };
    readonly figures?: Readonly<Record<string, unknown>>;
    readonly test?: TestSections;
  },
): Promise<void> {
  const { outcome, figures, test } = came;
  const facts = { seed: recipe.train.seed, engine: runtime.version, threads: runtime.threads };
  const result = { ...outcome, ...facts, ...figures };
  await writeFileAtomic(join(outcome.folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  await observer.writeReport({
    run: outcome.folder,
    outcome: outcome.training,
    createdAt: new Date().toISOString(),
    recipe: stringify(recipe),
    parameters: outcome.parameters,
    ...facts,
    ...(test === undefined ? {} : { test }),
  });
  observer.end('done');
}

export function note(stream: ProgressStream = process.stderr): (text: string) => void {
  return (text) => void stream.write(`${text}\n`);
}

/** How the batch of a run is settled. */
export function settleOptions(options: RunOptions): SettleOptions {
  const { resume = false, cacheFolder = defaultCacheFolder(), stream } = options;
  return { resume, cacheFolder, say: note(stream) };
}
