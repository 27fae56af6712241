// V vocabulary
import { exponential } from './exponential.ts';
import { indexOfMax, nthLargest, RANGE } from './shortlist.ts';

/** A token with the natural logarithm of its probability, as the model gave it before any of the options. */
export interface ScoredToken {
  readonly token: number;
  readonly logProbability: number;
}

/** The natural logarithm of the sum of exponentials. @param logits [V] */
export function logSumExp(logits: Float32Array): number {
  const best = logits[indexOfMax(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) if (logits[i]! >= best - RANGE) sum += exponential(logits[i]! - best);
  return best + Math.log(sum);
}

/** A token's log-probability by the model itself. @param logits [V] */
export function logProbabilityOf(logits: Float32Array, token: number): number {
  return logits[token]! - logSumExp(logits);
}

/** The likeliest tokens by the model itself, the likeliest first. @param logits [V] */
export function likeliest(logits: Float32Array, count: number): ScoredToken[] {
  const normalizer = logSumExp(logits);
  const least = nthLargest(logits, Math.min(count, logits.length), -Infinity);
  const found: number[] = [];
  for (let token = 0; token < logits.length; token++) if (logits[token]! >= least) found.push(token);
  return found
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, count)
    .map((token) => ({ token, logProbability: logits[token]! - normalizer }));
}
