// V vocabulary
import { GenerationError } from '../core/index.ts';
import { exponential } from './exponential.ts';
import type { SamplingOptions } from './sampling.ts';

/** Tokens that may be drawn, in the order of the vocabulary: the first `count` of both arrays hold them. */
export interface Shortlist {
  readonly tokens: Int32Array;
  /** Probabilities times a constant: the likeliest token's is 1. */
  readonly weights: Float64Array;
  count: number;
}

/** Parts of the range of weights in which the edge of a nucleus is looked for, of equal width in the logarithm. */
const BUCKETS = 1024;
/**
 * That range in powers of e. What is less likely than e^−30 times the likeliest is left out: 150,000 such tokens together
 * have a probability of 1e-8, less than the rounding of float32 logits makes.
 */
export const RANGE = 30;

/**
 * Which tokens may be drawn, cut by `topK`, `topP` and `minP` in this order. The whole vocabulary is looked at a few times
 * but never sorted.
 * @param logits [V]  @param into reused where it is given
 * @throws GenerationError when no logit is a number
 */
export function shortlist(
  logits: Float32Array,
  temperature: number,
  { topK, topP = 1, minP = 0 }: Pick<SamplingOptions, 'topK' | 'topP' | 'minP'>,
  into?: Shortlist,
): Shortlist {
  const size = logits.length;
  const result = into ?? { tokens: new Int32Array(size), weights: new Float64Array(size), count: 0 };
  const { tokens, weights } = result;
  const best = logits[indexOfMax(logits)]!;
  let least = best - RANGE * temperature;
  if (topK !== undefined && topK < size) least = Math.max(least, nthLargest(logits, topK, least));
  // The largest weight stays 1 whatever else is cut, so that this may be cut first where no sum is needed.
  const bound = minP > 0 ? best + temperature * Math.log(minP) - 1e-6 : -Infinity;
  if (topP === 1) least = Math.max(least, bound);
  const scale = 1 / temperature;
  let total = 0;
  if (topP < 1) {
    for (let token = 0; token < size; token++)
      if (logits[token]! >= least) total += exponential((logits[token]! - best) * scale);
    // What lies below this is together less than 1 − topP: the nucleus does not need it.
    const floor = Math.log(((1 - topP) * total) / size);
    least = Math.max(least, best + temperature * floor);
  }
  let count = 0;
  for (let token = 0; token < size; token++) if (logits[token]! >= least) tokens[count++] = token;
  for (let i = 0; i < count; i++) weights[i] = exponential((logits[tokens[i]!]! - best) * scale);
  result.count = count;
  if (topP < 1) keepNucleus(result, topP * total);
  if (minP > 0) keep(result, (weight) => weight >= minP);
  return result;
}

/**
 * Keeps the likeliest tokens whose weights together reach a sum. The bucket of weights in which it is reached is found
 * first; only its tokens are sorted.
 */
function keepNucleus(list: Shortlist, wanted: number): void {
  const { weights, tokens, count } = list;
  const sums = new Float64Array(BUCKETS);
  const buckets = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const weight = weights[i]!;
    const bucket = Math.min(BUCKETS - 1, (Math.log(weight) * (-BUCKETS / RANGE)) | 0);
    buckets[i] = bucket;
    sums[bucket] = sums[bucket]! + weight;
  }
  let sum = 0;
  let edge = 0;
  while (edge < BUCKETS - 1 && sum + sums[edge]! < wanted) sum += sums[edge++]!;
  const atEdge: number[] = [];
  for (let i = 0; i < count; i++) if (buckets[i] === edge) atEdge.push(i);
  atEdge.sort((a, b) => weights[b]! - weights[a]! || a - b);
  let taken = 0;
  while (taken < atEdge.length && (taken === 0 || sum < wanted)) sum += weights[atEdge[taken++]!]!;
  const chosen = atEdge.slice(0, taken).sort((a, b) => a - b);
  let next = 0;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const isChosen = i === chosen[next];
    if (isChosen) next++;
    if (!isChosen && buckets[i]! >= edge) continue;
    tokens[kept] = tokens[i]!;
    weights[kept++] = weights[i]!;
  }
  list.count = kept;
}

function keep(list: Shortlist, isKept: (weight: number) => boolean): void {
  const { weights, tokens, count } = list;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (!isKept(weights[i]!)) continue;
    tokens[kept] = tokens[i]!;
    weights[kept++] = weights[i]!;
  }
  list.count = kept;
}

/** The n-th largest number that is at least `floor`, or `floor` where there are fewer: a heap of the n largest. */
export function nthLargest(numbers: Float32Array, n: number, floor: number): number {
  const heap = new Float32Array(n);
  let size = 0;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (size < n) {
      if (!(number >= floor)) continue;
      let at = size++;
      for (let parent = (at - 1) >> 1; at > 0 && heap[parent]! > number; parent = (at - 1) >> 1) {
        heap[at] = heap[parent]!;
        at = parent;
      }
      heap[at] = number;
    } else if (number > heap[0]!) {
      let at = 0;
      for (let child = 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && heap[child + 1]! < heap[child]!) child++;
        if (heap[child]! >= number) break;
        heap[at] = heap[child]!;
        at = child;
      }
      heap[at] = number;
    }
  }
  return size < n ? floor : heap[0]!;
}

/** The first of the greatest. @throws GenerationError when there is none that is finite */
export function indexOfMax(logits: Float32Array): number {
  const whole = logits.length - (logits.length % 4);
  // Four at a time, which do not wait for each other: a fifth less time over a vocabulary.
  let [a, b, c, d] = [-Infinity, -Infinity, -Infinity, -Infinity];
  for (let i = 0; i < whole; i += 4) {
    if (logits[i]! > a) a = logits[i]!;
    if (logits[i + 1]! > b) b = logits[i + 1]!;
    if (logits[i + 2]! > c) c = logits[i + 2]!;
    if (logits[i + 3]! > d) d = logits[i + 3]!;
  }
  for (let i = whole; i < logits.length; i++) if (logits[i]! > a) a = logits[i]!;
  const most = Math.max(a, b, c, d);
  if (!Number.isFinite(most))
    throw new GenerationError(
      'the model gave no finite logits',
      'the weights are damaged, or too large for their type; load them in another type',
    );
  return logits.indexOf(most);
}
