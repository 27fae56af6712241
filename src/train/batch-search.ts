import { TrainingError } from '../core/index.ts';

/** Says how many bytes a process takes at its peak while it trains with so many samples in a batch; nothing where it failed for want of memory or samples. */
export type MeasureBatch = (batch: number) => Promise<number | undefined>;

export interface BatchSearchOptions {
  /** Bytes that training may take at its peak. */
  readonly budget: number;
  /** The greatest batch that is looked at; 4,096 by default. */
  readonly most?: number;
  /** Told of each measurement. */
  readonly onMeasured?: (batch: number, bytes: number | undefined) => void;
}

/** The batch that was found, with what it takes. */
export interface FoundBatch {
  readonly batch: number;
  readonly bytes: number;
}

/** Batches from here on are found to an eighth only: what is between them does not matter. */
const EXACT_UP_TO = 8;
/** How far beyond the budget a batch may be expected to go and is still tried. */
const DARING = 1.5;

/**
 * The biggest batch whose peak of memory is within the budget: sizes are doubled until one does not fit, and what is between
 * the last two is halved. Memory grows about linearly with the batch, so a size that two measurements foretell to be far
 * beyond the budget is taken as too big without being tried.
 * @throws TrainingError when not even one sample fits
 */
export async function largestBatch(measure: MeasureBatch, options: BatchSearchOptions): Promise<FoundBatch> {
  const { budget, most = 4096, onMeasured } = options;
  // Those that fit, each greater than the one before.
  const known: FoundBatch[] = [];
  const fits = async (batch: number): Promise<boolean> => {
    if (foretold(known, batch) > DARING * budget) return false;
    const bytes = await measure(batch);
    onMeasured?.(batch, bytes);
    if (bytes === undefined || bytes > budget) return false;
    known.push({ batch, bytes });
    return true;
  };
  let low = 0;
  let high = 1;
  while (low < most && (await fits(high))) {
    low = high;
    high = Math.min(most, high * 2);
  }
  if (low === 0)
    throw new TrainingError(
      `not even one sample fits into ${(budget / 2 ** 20).toFixed(0)} MiB`,
      'raise train.memory, or make the model or the samples smaller',
    );
  while (high - low > Math.max(1, Math.floor(low / EXACT_UP_TO))) {
    const middle = (low + high) >> 1;
    if (await fits(middle)) low = middle;
    else high = middle;
  }
  return known.at(-1)!;
}

/** Bytes by a line through the two greatest batches that fit. @param known ascending */
function foretold(known: readonly FoundBatch[], batch: number): number {
  const [before, last] = known.slice(-2);
  if (before === undefined || last === undefined) return 0;
  return last.bytes + ((last.bytes - before.bytes) / (last.batch - before.batch)) * (batch - last.batch);
}

/** What `train.memory` may say: bytes with a unit, or a share of the memory that is free. */
const MEMORY = /^(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|TiB|KB|MB|GB|TB|%)$/;
const UNITS: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

/** Bytes of a budget such as `4GiB` or `60%`; nothing when it is neither. @param free bytes that shares are of */
export function memoryBudget(text: string, free: number): number | undefined {
  const match = MEMORY.exec(text.trim());
  if (match === null) return undefined;
  const bytes = match[2] === '%' ? (Number(match[1]) / 100) * free : Number(match[1]) * UNITS[match[2]!]!;
  return bytes > 0 && (match[2] !== '%' || Number(match[1]) <= 100) ? Math.floor(bytes) : undefined;
}
