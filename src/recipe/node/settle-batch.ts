/** `train.batch: auto`: the biggest batch whose training fits into memory, found by training in processes of their own. */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { RecipeError, TrainingError } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { type FoundBatch, largestBatch, type MeasureBatch, memoryBudget } from '../../train/index.ts';
import type { TrainSection } from '../types.ts';
import { readRecipe } from './read-recipe.ts';
import { RECIPE } from './run-files.ts';

/** Part of the free memory that training may take where the recipe says nothing. */
const USUAL_MEMORY = '70%';
/** Shares of the free memory are rounded down to this, so that a search is found again a minute later. */
const ROUNDED = 256 * 2 ** 20;
/** Milliseconds that one measurement may take. */
const PATIENCE = 10 * 60_000;

/** Sections of a recipe that have to do with it. */
interface Batched {
  readonly train: TrainSection;
  readonly output: string;
}

export interface SettleOptions {
  readonly resume: boolean;
  readonly cacheFolder: string;
  readonly say: (text: string) => void;
  /** Makes a way to measure batches of a recipe within bytes; processes of their own by default. */
  readonly measurer?: (recipe: Batched, limit: number) => MeasureBatch;
  /** Bytes that are free; asked of the system by default. */
  readonly free?: number;
}

/**
 * The recipe with its batch as a number. A run that goes on keeps the one that it began with; a search that was made before
 * for this recipe and budget is not made again.
 * @throws RecipeError for a budget that is none, TrainingError when nothing fits
 */
export async function settleBatch<R extends Batched>(recipe: R, options: SettleOptions): Promise<R> {
  if (recipe.train.batch !== 0) return recipe;
  const began = options.resume ? await batchOfRun(recipe.output) : undefined;
  if (began !== undefined) return withBatch(recipe, began);
  const { say, cacheFolder } = options;
  const budget = budgetOf(recipe.train.memory ?? USUAL_MEMORY, options.free ?? process.availableMemory());
  const known = join(cacheFolder, 'batches', `${keyOf(recipe, budget)}.json`);
  let found = await readFound(known);
  if (found === undefined) {
    const measure = options.measurer ?? ((r, limit) => measureInProcess(r, limit, cacheFolder));
    say(`looking for the biggest batch within ${mebibytes(budget)}`);
    found = await largestBatch(measure(recipe, budget), {
      budget,
      onMeasured: (batch, bytes) =>
        say(`  ${batch} in a batch: ${bytes === undefined ? 'does not fit' : mebibytes(bytes)}`),
    });
    await mkdir(join(cacheFolder, 'batches'), { recursive: true });
    await writeFileAtomic(known, JSON.stringify(found));
  }
  say(`batches of ${found.batch}, which take ${mebibytes(found.bytes)} of ${mebibytes(budget)}`);
  return withBatch(recipe, found.batch);
}

/** The recipe as it is run: with a number, and no word of how it was found. */
function withBatch<R extends Batched>(recipe: R, batch: number): R {
  const { memory: _, ...train } = recipe.train;
  return { ...recipe, train: { ...train, batch } };
}

function budgetOf(text: string, free: number): number {
  const bytes = memoryBudget(text, free);
  if (bytes === undefined)
    throw new RecipeError(`train.memory is '${text}'`, 'write an amount with its unit, as 4GiB, or a share as 60%');
  return text.trim().endsWith('%') ? Math.max(1, Math.floor(bytes / ROUNDED)) * ROUNDED : bytes;
}

/** Equal for equal recipes on equal machines; where the run lies changes nothing. */
function keyOf(recipe: Batched, budget: number): string {
  const { output: _, ...rest } = recipe;
  const key = JSON.stringify([rest, budget, process.versions.node, arch()]);
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}

const foundSchema = z.strictObject({ batch: z.int().positive(), bytes: z.int().positive() });

/** What an earlier search found; nothing where there was none, or its file is damaged. */
async function readFound(path: string): Promise<FoundBatch | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return foundSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The batch of the run in a folder; nothing where there is no run. @throws RecipeError for a damaged recipe */
async function batchOfRun(folder: string): Promise<number | undefined> {
  const path = join(folder, RECIPE);
  if ((await readFile(path).catch(() => undefined)) === undefined) return undefined;
  const schema = z.looseObject({ train: z.looseObject({ batch: z.int().positive() }) });
  return (await readRecipe(schema, path)).train.batch;
}

/** What a process that measures is told, and what it answers. */
export interface BatchOrder {
  readonly recipe: Batched;
  /** Bytes beyond which it gives up. */
  readonly limit: number;
  readonly cacheFolder: string;
}
export type BatchReply = { readonly bytes: number } | { readonly error: string };

/** A process for each measurement: its peak of memory is that of this batch alone, and its end gives everything back. */
function measureInProcess(recipe: Batched, limit: number, cacheFolder: string): MeasureBatch {
  return async (batch) => {
    const folder = await mkdtemp(join(tmpdir(), 'sensorium-batch-'));
    try {
      const order: BatchOrder = {
        recipe: { ...withBatch(recipe, batch), output: join(folder, 'run') },
        limit,
        cacheFolder,
      };
      const reply = await ask(order);
      if ('bytes' in reply) return reply.bytes;
      // Where one sample fails it is not for want of memory.
      if (batch === 1 && reply.error !== '') throw new TrainingError(`no batch can be tried: ${reply.error}`);
      return undefined;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

function ask(order: BatchOrder): Promise<BatchReply> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./batch-worker.js', import.meta.url), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    let reply: BatchReply | undefined;
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    child.on('message', (message) => (reply = message as BatchReply));
    child.on('error', reject);
    child.on('exit', () => {
      clearTimeout(timer);
      // One that says nothing was ended by the system, or by itself for want of memory.
      resolve(reply ?? { error: '' });
    });
    child.send(order);
  });
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
