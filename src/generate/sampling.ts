// V vocabulary
import { GenerationError, Random } from '../core/index.ts';
import { indexOfMax, type Shortlist, shortlist } from './shortlist.ts';

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

/** Forbids tokens, in place, before one is chosen. */
export interface LogitsMask {
  /** Sets the logits [V] of tokens that may not come next to −∞. */
  mask(logits: Float32Array): void;
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
  /** Kept between tokens, since a vocabulary is large. */
  #adjusted: Float32Array | undefined;
  #kept: Shortlist | undefined;

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
   * @param allowed what the token is chosen from, where not all may come
   * @throws GenerationError when they hold no number to choose by
   */
  next(logits: Float32Array, allowed?: LogitsMask): number {
    const adjusted = this.#penalized(logits, allowed !== undefined);
    allowed?.mask(adjusted);
    const { temperature = 0 } = this.#options;
    const token = temperature === 0 ? indexOfMax(adjusted) : this.#draw(adjusted, temperature);
    this.#seen.add(token);
    this.#counts.set(token, (this.#counts.get(token) ?? 0) + 1);
    return token;
  }

  #penalized(logits: Float32Array, copied: boolean): Float32Array {
    const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = this.#options;
    const penalized = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
    if (!penalized && !copied) return logits;
    this.#adjusted ??= new Float32Array(logits.length);
    const adjusted = this.#adjusted;
    adjusted.set(logits);
    if (!penalized) return adjusted;
    for (const token of this.#seen) {
      const logit = adjusted[token]!;
      adjusted[token] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
    }
    for (const [token, count] of this.#counts)
      adjusted[token] = adjusted[token]! - presencePenalty - frequencyPenalty * count;
    return adjusted;
  }

  #draw(logits: Float32Array, temperature: number): number {
    this.#kept = shortlist(logits, temperature, this.#options, this.#kept);
    const { tokens, weights, count } = this.#kept;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[i]!;
    let rest = this.#random.uniform(0, total);
    for (let i = 0; i < count; i++) {
      rest -= weights[i]!;
      if (rest < 0) return tokens[i]!;
    }
    return tokens[count - 1]!;
  }
}
