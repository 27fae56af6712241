import { DataError } from '../../core/index.ts';
import type { SampleSource } from '../samples.ts';
import { closeAll, traits } from './parts.ts';

/** A part of a mixture. */
export interface WeightedSource {
  readonly source: SampleSource;
  /** Share of the samples, in proportion to the other weights; the number of its samples unless told. */
  readonly weight?: number | undefined;
}

/** Samples of one pass of a mixture are listed; this many need 640 MB. */
const MAX_LENGTH = 2 ** 27;

/**
 * Several sources in given shares, evenly interleaved: of the first n samples each source has its share of n, give or take one
 * (the source to which most is owed comes next). A source that is used up begins anew, with another pass of its own; one that is not goes on
 * in the next pass where it stopped. All of it is a function of the position, so that a run can be resumed at any sample.
 * @param length samples of a pass; those of all sources together unless told
 */
export function mixed(parts: readonly WeightedSource[], length?: number): SampleSource {
  const total = length ?? parts.reduce((sum, { source }) => sum + source.length, 0);
  if (parts.length === 0 || parts.length > 65_535)
    throw new DataError(`${parts.length} sources cannot be mixed`, 'name at least one');
  if (!Number.isInteger(total) || total < 1 || total > MAX_LENGTH)
    throw new DataError(`a pass of ${total} samples cannot be mixed`, `give a whole number up to ${MAX_LENGTH}`);
  const weights = parts.map(({ source, weight = source.length }) => weight);
  const bad = weights.find((weight) => !Number.isFinite(weight) || weight <= 0);
  if (bad !== undefined) throw new DataError(`a weight of ${bad} cannot be`, 'give numbers above 0');
  const { which, rank, counts } = interleave(weights, total);
  const none = counts.indexOf(0);
  if (none >= 0)
    throw new DataError(
      `source ${none + 1} with weight ${weights[none]} has no sample among ${total}`,
      'leave it out, or give it more weight',
    );
  return {
    ...traits(...parts.map(({ source }) => source)),
    length: total,
    sample(index, { seed, epoch }) {
      const k = which[index]!;
      const { source } = parts[k]!;
      // How many of its samples have been given before, passes included.
      const given = epoch * counts[k]! + rank[index]!;
      return source.sample(given % source.length, { seed, epoch: Math.floor(given / source.length) });
    },
    close: () => closeAll(parts.map(({ source }) => source)),
  };
}

interface Interleaving {
  /** Number of the source at each position. */
  readonly which: Uint16Array;
  /** Which of its samples in this pass. */
  readonly rank: Uint32Array;
  /** Samples of each source in a pass. */
  readonly counts: readonly number[];
}

function interleave(weights: readonly number[], length: number): Interleaving {
  const sum = weights.reduce((a, b) => a + b, 0);
  const shares = weights.map((weight) => weight / sum);
  const counts = weights.map(() => 0);
  const which = new Uint16Array(length);
  const rank = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < shares.length; k++) {
      const owed = shares[k]! * (i + 1) - counts[k]!;
      if (owed > most) [best, most] = [k, owed];
    }
    which[i] = best;
    rank[i] = counts[best]!++;
  }
  return { which, rank, counts };
}
