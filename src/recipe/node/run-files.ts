import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { DataError, TrainingError } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import type { SavedTraining } from '../../train/index.ts';
import { MetricsFile, RunCheckpoints } from '../../train/node/index.ts';
import type { TrainSection } from '../types.ts';
import { EVENTS } from './run-observer.ts';

export const METRICS = 'metrics.jsonl';
export const RECIPE = 'recipe.yaml';
/** Folder of the model that a run with `model.create` begins with. */
export const FIRST = 'first';
const CHECKPOINTS = 'checkpoints';

/** Refuses the folder of an earlier run before any work is done. @throws DataError */
export async function checkRunFolder(folder: string, resume: boolean): Promise<void> {
  if (resume || (await sizeOf(join(folder, METRICS))) === undefined) return;
  throw new DataError(`${folder} holds a run already`, 'continue it with --resume, or name another folder with --out');
}

/** What all recipes have. */
export interface RunnableRecipe {
  readonly train: TrainSection;
  /** Folder of the run. */
  readonly output: string;
}

/** The open files of a run. */
export interface RunFiles {
  readonly saved: SavedTraining | undefined;
  readonly checkpoints: RunCheckpoints;
  readonly metrics: MetricsFile;
}

/**
 * Opens the folder, and with `resume` the newest whole checkpoint.
 * @param identity of the run, which a checkpoint must share
 * @param say told what is gone on from, and which checkpoints are damaged
 * @throws TrainingError for the folder of another run, DataError and CheckpointError for files that cannot be used
 */
export async function openRunFiles(
  recipe: RunnableRecipe,
  identity: string | undefined,
  resume: boolean,
  say: (text: string) => void,
): Promise<RunFiles> {
  const folder = recipe.output;
  const metricsPath = join(folder, METRICS);
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new DataError(`${folder} cannot be made: ${(cause as Error).message}`, 'name another folder with --out', {
      cause,
    });
  }
  const checkpoints = await RunCheckpoints.open(join(folder, CHECKPOINTS), recipe.train.keep);
  let saved: SavedTraining | undefined;
  if (resume) {
    saved = await checkpoints.latest((path, reason) => say(`${path} is passed over: ${reason}`));
    say(saved === undefined ? `${folder} has no checkpoint yet: the run begins` : `going on from ${saved.name}`);
    if (saved !== undefined && saved.state.identity !== identity) {
      throw new TrainingError(
        `${saved.name} is of another run: its model, data or settings differ from the recipe's`,
        `resume with ${join(folder, RECIPE)}, or name another folder with --out`,
      );
    }
  }
  const metrics = resume
    ? await MetricsFile.resume(metricsPath, saved?.state.step ?? 0)
    : await MetricsFile.create(metricsPath);
  await writeFileAtomic(join(folder, RECIPE), stringify(recipe));
  return { saved, checkpoints, metrics };
}

/** Removes what a run that failed before its first step has made, so that nothing stands in the way of the next. */
export async function discardEmptyRun(folder: string): Promise<void> {
  if ((await sizeOf(join(folder, METRICS))) !== 0) return;
  const checkpoints = join(folder, CHECKPOINTS);
  if ((await readdir(checkpoints).catch(() => [])).length > 0) return;
  await rm(join(folder, METRICS), { force: true });
  await rm(join(folder, RECIPE), { force: true });
  for (const made of [EVENTS, FIRST]) await rm(join(folder, made), { recursive: true, force: true });
  for (const emptied of [checkpoints, folder]) await rmdir(emptied).catch(() => undefined);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
