import { DataError } from '../core/errors.ts';

/** Figures that say how good predictions are. Classes are whole numbers from 0; labels of two-class tasks are 0 and 1. */

/** A proportion with the interval that it can be told to lie in. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** z of a two-sided 95 % interval: the 0.975 quantile of the standard normal distribution. */
export const Z_95 = 1.959963984540054;

/**
 * Share of predictions that are right: (1/n) Σ [ŷᵢ = yᵢ].
 * @throws DataError when there are none, or not as many of one as of the other
 */
export function accuracy(predicted: ArrayLike<number>, truth: ArrayLike<number>): number {
  checkPairs(predicted, truth, 'predictions');
  let right = 0;
  for (let i = 0; i < truth.length; i++) if (predicted[i] === truth[i]) right++;
  return right / truth.length;
}

/**
 * Mean of the recalls of all classes that occur: (1/|C|) Σ_c TP_c / (TP_c + FN_c). Unlike accuracy it gives a constant
 * answer 1/|C| whatever the classes' shares are (Brodersen et al. 2010, "The balanced accuracy and its posterior
 * distribution").
 * @throws DataError as {@link accuracy}
 */
export function balancedAccuracy(predicted: ArrayLike<number>, truth: ArrayLike<number>): number {
  checkPairs(predicted, truth, 'predictions');
  const right = new Map<number, number>();
  const total = new Map<number, number>();
  for (let i = 0; i < truth.length; i++) {
    const label = truth[i]!;
    total.set(label, (total.get(label) ?? 0) + 1);
    if (predicted[i] === label) right.set(label, (right.get(label) ?? 0) + 1);
  }
  let sum = 0;
  for (const [label, count] of total) sum += (right.get(label) ?? 0) / count;
  return sum / total.size;
}

/**
 * Counts, [classes, classes]: row = truth, column = prediction.
 * @throws DataError also when a label is no class
 */
export function confusionMatrix(predicted: ArrayLike<number>, truth: ArrayLike<number>, classes: number): number[][] {
  checkPairs(predicted, truth, 'predictions');
  const isClass = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < classes;
  const counts = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (let i = 0; i < truth.length; i++) {
    const row = truth[i]!;
    const column = predicted[i]!;
    if (!isClass(row) || !isClass(column)) {
      throw new DataError(
        `sample ${i} has truth ${row} and prediction ${column}, but classes go from 0 to ${classes - 1}`,
      );
    }
    counts[row]![column]!++;
  }
  return counts;
}

/**
 * Wilson's score interval of a proportion p̂ = k/n (Wilson 1927, "Probable inference, the law of succession, and
 * statistical inference"): (p̂ + z²/2n ± z √(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n). It stays within [0, 1] and is sound
 * for small n and for shares near 0 and 1. It takes the n trials to be independent.
 * @throws DataError unless 0 ≤ k ≤ n and n ≥ 1, whole numbers
 */
export function wilsonInterval(successes: number, trials: number, z: number = Z_95): Interval {
  if (!Number.isInteger(trials) || trials < 1)
    throw new DataError(`an interval needs at least one trial, got ${trials}`);
  if (!Number.isInteger(successes) || successes < 0 || successes > trials) {
    throw new DataError(`${successes} successes in ${trials} trials cannot be`);
  }
  const p = successes / trials;
  const z2 = z * z;
  const centre = p + z2 / (2 * trials);
  const half = z * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials * trials));
  const scale = 1 + z2 / trials;
  return {
    low: successes === 0 ? 0 : Math.max(0, (centre - half) / scale),
    high: successes === trials ? 1 : Math.min(1, (centre + half) / scale),
  };
}

/**
 * Interval of the mean of the recalls of several classes, θ̂ = (1/m) Σ p̂ᵢ, put together from their Wilson intervals
 * [lᵢ, uᵢ] (method of variance estimates recovery: Zou and Donner 2008, "Construction of confidence limits about effect
 * measures", after Newcombe 1998): θ̂ − (1/m) √Σ(p̂ᵢ − lᵢ)², θ̂ + (1/m) √Σ(uᵢ − p̂ᵢ)².
 * @param recalls right answers and number of samples of each class
 * @throws DataError as {@link wilsonInterval}, or when there are no classes
 */
export function balancedAccuracyInterval(
  recalls: readonly { readonly right: number; readonly total: number }[],
  z: number = Z_95,
): Interval {
  if (recalls.length === 0) throw new DataError('an interval needs at least one class');
  let mean = 0;
  let below = 0;
  let above = 0;
  for (const { right, total } of recalls) {
    const { low, high } = wilsonInterval(right, total, z);
    const p = right / total;
    mean += p / recalls.length;
    below += (p - low) ** 2;
    above += (high - p) ** 2;
  }
  return {
    low: Math.max(0, mean - Math.sqrt(below) / recalls.length),
    high: Math.min(1, mean + Math.sqrt(above) / recalls.length),
  };
}

/**
 * Area under the receiver operating characteristic: the chance that a positive sample has a higher score than a negative
 * one, ties counting half (Hanley and McNeil 1982). From mid-ranks, as Mann and Whitney's U: (R₊ − n₊(n₊+1)/2) / (n₊n₋).
 * @param labels 0 or 1
 * @throws DataError when a class is missing or a score is no number
 */
export function rocAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const { order, positives, negatives } = sortedScores(scores, labels);
  let rankSum = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    let tiedPositives = 0;
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) tiedPositives += labels[order[end++]!]!;
    // Samples start … end−1 are tied: each has the mean of the ranks start+1 … end.
    rankSum += (tiedPositives * (start + 1 + end)) / 2;
    start = end;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** A decision threshold and what it reaches on the scores that it was chosen on. */
export interface Threshold {
  /** Predict 1 where score ≥ threshold. */
  readonly threshold: number;
  readonly balancedAccuracy: number;
}

/**
 * The threshold with the highest balanced accuracy (Youden's index J = 2 · balanced accuracy − 1; Youden 1950). It lies
 * midway between two neighbouring scores; among equally good ones it is the one with the widest gap around it, then the
 * lowest. Choose it on validation data only: on the data that it was chosen on it looks better than it is.
 * Where no cut is better than one answer for all, it is the lowest score (everything is 1).
 * @throws DataError as {@link rocAuc}
 */
export function bestThreshold(scores: ArrayLike<number>, labels: ArrayLike<number>): Threshold {
  const { order, positives, negatives } = sortedScores(scores, labels);
  let best: Threshold = { threshold: scores[order[0]!]!, balancedAccuracy: 0.5 };
  let widest = -1;
  let positivesBelow = 0;
  let negativesBelow = 0;
  for (let i = 0; i < order.length; i++) {
    if (labels[order[i]!] === 1) positivesBelow++;
    else negativesBelow++;
    const here = scores[order[i]!]!;
    const next = i + 1 < order.length ? scores[order[i + 1]!]! : Number.POSITIVE_INFINITY;
    if (next === here) continue;
    const value = ((positives - positivesBelow) / positives + negativesBelow / negatives) / 2;
    const gap = Number.isFinite(next) ? next - here : 0;
    const difference = value - best.balancedAccuracy;
    // Sums of the same fractions may differ in the last bits; such values count as equal.
    if (difference > 1e-12 || (difference > -1e-12 && widest >= 0 && gap > widest)) {
      // Halfway between two neighbouring floats rounds to one of them, and it must not be the lower one.
      const middle = here + (next - here) / 2;
      best = { threshold: middle > here ? middle : next, balancedAccuracy: value };
      widest = gap;
    }
  }
  return best;
}

function sortedScores(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): { order: number[]; positives: number; negatives: number } {
  checkPairs(scores, labels, 'scores');
  let positives = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== 0 && labels[i] !== 1) throw new DataError(`label ${i} is ${labels[i]}, but must be 0 or 1`);
    if (!Number.isFinite(scores[i])) throw new DataError(`score ${i} is ${scores[i]}`, 'the model may have diverged');
    positives += labels[i]!;
  }
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) {
    throw new DataError(`all ${labels.length} labels are ${positives === 0 ? 0 : 1}: both classes are needed`);
  }
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  return { order, positives, negatives };
}

function checkPairs(first: ArrayLike<number>, truth: ArrayLike<number>, what: string): void {
  if (first.length !== truth.length) {
    throw new DataError(`${first.length} ${what} cannot be compared with ${truth.length} labels`);
  }
  if (truth.length === 0)
    throw new DataError(`there are no ${what} to evaluate`, 'check that the dataset is not empty');
}
