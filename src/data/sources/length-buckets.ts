/** Batches of samples of like lengths, so that little is padding and few shapes of graphs are compiled. */
import { DataError, Random } from '../../core/index.ts';
import { shuffledOrder } from '../dataset.ts';

/** Samples that are padded to one length. */
export interface LengthBatch {
  /** Tokens that each sample is padded to. */
  readonly bound: number;
  readonly samples: readonly number[];
}

/**
 * The lengths to pad to that leave the least padding in all, found by trying every way to cut (dynamic programming).
 * @param lengths tokens of each sample
 * @param count of different lengths, at most
 * @param multiple that each bound is a multiple of
 * @returns bounds, ascending; the last one holds the longest sample
 */
export function lengthBounds(lengths: readonly number[], count: number, multiple = 16): number[] {
  const sizes = lengths.map((length) => Math.ceil(Math.max(1, length) / multiple));
  const longest = sizes.reduce((a, b) => Math.max(a, b), 0);
  if (longest === 0 || count < 1) throw new DataError('there are no lengths to divide', 'give at least one sample');
  if (longest > 4096) throw new DataError(`a sample of ${longest * multiple} tokens is too long to plan for`);
  const tally = new Float64Array(longest + 1);
  for (const size of sizes) tally[size]!++;
  // before[n]: samples of n units or less.
  let sum = 0;
  const before = tally.map((each) => (sum += each));
  // cost[n]: padded units of all samples up to n with the bounds chosen so far, from[k][n]: the bound below n.
  let cost = Float64Array.from({ length: longest + 1 }, (_, n) => n * before[n]!);
  const from: Int32Array[] = [];
  for (let k = 1; k < count; k++) {
    const next = cost.slice();
    const chosen = new Int32Array(longest + 1);
    for (let n = 1; n <= longest; n++)
      for (let m = 1; m < n; m++) {
        const padded = cost[m]! + n * (before[n]! - before[m]!);
        if (padded < next[n]!) [next[n], chosen[n]] = [padded, m];
      }
    from.push(chosen);
    cost = next;
  }
  const bounds = [longest];
  for (let k = from.length - 1; k >= 0; k--) {
    const below = from[k]![bounds[0]!]!;
    if (below > 0) bounds.unshift(below);
  }
  return bounds.map((bound) => bound * multiple);
}

/**
 * One pass over samples in batches of like lengths, in an order that depends on seed and pass alone.
 * @param lengths tokens of each sample; those beyond the last bound are put there, to be cut
 * @param bounds ascending, see {@link lengthBounds}
 * @param tokens of a batch, padding included: shorter samples make batches of more
 */
export function lengthBatches(
  lengths: readonly number[],
  bounds: readonly number[],
  tokens: number,
  { seed, epoch }: { readonly seed: number; readonly epoch: number },
): LengthBatch[] {
  const last = bounds.at(-1);
  if (last === undefined || tokens < last)
    throw new DataError(`a batch of ${tokens} tokens holds no sample of ${last}`, 'raise it, or cut samples shorter');
  const open = bounds.map((): number[] => []);
  const batches: LengthBatch[] = [];
  for (const sample of shuffledOrder(lengths.length, seed, epoch)) {
    const found = bounds.findIndex((bound) => lengths[sample]! <= bound);
    const k = found < 0 ? bounds.length - 1 : found;
    open[k]!.push(sample);
    if ((open[k]!.length + 1) * bounds[k]! > tokens) {
      batches.push({ bound: bounds[k]!, samples: open[k]! });
      open[k] = [];
    }
  }
  for (const [k, samples] of open.entries()) if (samples.length > 0) batches.push({ bound: bounds[k]!, samples });
  // Those that were never full would all come last.
  return new Random(seed).fork(`length batches ${epoch}`).shuffle(batches);
}
