// V vocabulary
import { GenerationError, Random } from '../core/index.ts';

/** How the next token is chosen. Steps are taken in this order, as Transformers takes them. */
export interface SamplingOptions {
  /** Divides the logits of tokens that have been seen, or multiplies negative ones (Keskar et al. 2019, arXiv 1909.05858). */
  readonly repetitionPenalty?: number;
  /** Taken from the logits of tokens that the answer holds, once or for each time, as OpenAI's interface does. */
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  /** Divides the logits; 0, the default, takes the likeliest token. */
  readonly temperature?: number;
  /** Only that many of the likeliest tokens; those as likely as the last of them stay too. */
  readonly topK?: number;
  /** The likeliest tokens that together reach this probability (Holtzman et al. 2020, arXiv 1904.09751). */
  readonly topP?: number;
  /** Only tokens at least this times as likely as the likeliest (Nguyen et al. 2024, arXiv 2407.01082). */
  readonly minP?: number;
  /** The same seed gives the same answer; drawn by chance where there is none. */
  readonly seed?: number;
}

/** A token with the natural logarithm of its probability, as the model gave it before any of the options. */
export interface ScoredToken {
  readonly token: number;
  readonly logProbability: number;
}

/** @throws GenerationError naming the option that is out of its range */
export function checkSampling(options: SamplingOptions): void {
  const inRange = (name: keyof SamplingOptions, low: number, high: number, what: string): void => {
    const value = options[name];
    if (value !== undefined && !(value >= low && value <= high))
      throw new GenerationError(`${name} is ${value}`, `give ${what}`);
  };
  inRange('repetitionPenalty', Number.MIN_VALUE, 100, 'a number above 0, usually from 1 to 1.3');
  inRange('presencePenalty', -100, 100, 'a number, usually from 0 to 2');
  inRange('frequencyPenalty', -100, 100, 'a number, usually from 0 to 2');
  inRange('temperature', 0, 100, '0 for the likeliest token, or a number up to about 2');
  inRange('topP', Number.MIN_VALUE, 1, 'a number above 0 and up to 1');
  inRange('minP', 0, 1, 'a number from 0 to 1');
  const { topK, seed } = options;
  if (topK !== undefined && !(Number.isInteger(topK) && topK > 0))
    throw new GenerationError(`topK is ${topK}`, 'give a whole number from 1 up, or leave it out');
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new GenerationError(`seed is ${seed}`, 'give a whole number');
}

/** Chooses the tokens of one answer, one after another. */
export class Sampler {
  readonly #options: SamplingOptions;
  readonly #random: Random;
  /** Tokens of the prompt and the answer, and how often the answer holds each. */
  readonly #seen: Set<number>;
  readonly #counts = new Map<number, number>();

  /**
   * @param prompt tokens that the repetition penalty applies to as well
   * @param stream sets apart the answers that are made with one seed
   * @throws GenerationError for an option that is out of its range
   */
  constructor(options: SamplingOptions, prompt: readonly number[] = [], stream = 0) {
    checkSampling(options);
    this.#options = options;
    this.#random = new Random(options.seed ?? Math.floor(Math.random() * 2 ** 32)).fork(stream);
    this.#seen = new Set(prompt);
  }

  /**
   * @param logits [V]; not changed
   * @throws GenerationError when they hold no number to choose by
   */
  next(logits: Float32Array): ScoredToken {
    const adjusted = this.#penalized(logits);
    const { temperature = 0 } = this.#options;
    const token = temperature === 0 ? indexOfMax(adjusted) : this.#draw(adjusted, temperature);
    this.#seen.add(token);
    this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1);
    return { token, logProbability: logits[token]! - logSumExp(logits) };
  }

  #penalized(logits: Float32Array): Float32Array {
    const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = this.#options;
    if (repetitionPenalty === 1 && presencePenalty === 0 && frequencyPenalty === 0) return logits;
    const adjusted = logits.slice();
    for (const token of this.#seen) {
      const logit = adjusted[token]!;
      adjusted[token] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    }
    for (const [token, count] of this.#counts)
      adjusted[token] = adjusted[token]! - presencePenalty - frequencyPenalty * count;
    return adjusted;
  }

  #draw(logits: Float32Array, temperature: number): number {
    const kept = candidates(logits, temperature, this.#options);
    let total = 0;
    for (const { weight } of kept) total += weight;
    let rest = this.#random.uniform(0, total);
    for (const { token, weight } of kept) {
      rest -= weight;
      if (rest < 0) return token;
    }
    return kept.at(-1)!.token;
  }
}

interface Candidate {
  readonly token: number;
  /** Probability times a constant. */
  readonly weight: number;
}

/**
 * Tokens that may be drawn, the likeliest first.
 * @param logits [V]  @throws GenerationError when no logit is a number
 */
export function candidates(
  logits: Float32Array,
  temperature: number,
  { topK, topP = 1, minP = 0 }: SamplingOptions,
): Candidate[] {
  const best = logits[indexOfMax(logits)]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - best) / temperature));
  let least = 0;
  if (topK !== undefined && topK < weights.length) least = weights.toSorted()[weights.length - topK]!;
  let total = 0;
  for (const weight of weights) if (weight >= least) total += weight;
  // What lies below this is together less than 1 − topP, so the nucleus does not need it: few are left to sort.
  const floor = topP < 1 ? ((1 - topP) * total) / weights.length : 0;
  const kept: Candidate[] = [];
  weights.forEach((weight, token) => {
    if (weight >= least && weight >= floor && weight > 0) kept.push({ token, weight });
  });
  kept.sort((a, b) => b.weight - a.weight || a.token - b.token);
  if (topP < 1) {
    let sum = 0;
    const end = kept.findIndex(({ weight }) => (sum += weight) >= topP * total);
    if (end >= 0) kept.length = end + 1;
  }
  // The likeliest has the weight 1, or what is left of it: the bound is relative to it.
  const bound = minP * kept[0]!.weight;
  return minP === 0 ? kept : kept.filter(({ weight }) => weight >= bound);
}

/** The likeliest tokens by the model itself. @param logits [V] */
export function likeliest(logits: Float32Array, count: number): ScoredToken[] {
  const normalizer = logSumExp(logits);
  return candidates(logits, 1, { topK: count })
    .slice(0, count)
    .map(({ token }) => ({ token, logProbability: logits[token]! - normalizer }));
}

function indexOfMax(logits: Float32Array): number {
  let best = -1;
  for (let i = 0; i < logits.length; i++) if (best < 0 ? logits[i]! > -Infinity : logits[i]! > logits[best]!) best = i;
  if (best < 0 || logits[best] === Infinity)
    throw new GenerationError(
      'the model gave no finite logits',
      'the weights are damaged, or too large for their type; load them in another type',
    );
  return best;
}

function logSumExp(logits: Float32Array): number {
  let best = -Infinity;
  for (const logit of logits) if (logit > best) best = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - best);
  return best + Math.log(sum);
}
