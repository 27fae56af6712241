/** Answers in a form that come to their end in time, so that none is cut off in the middle. */
// V vocabulary
import type { TokenBytes } from '../../data/index.ts';
import type { Constraint, ConstraintFactory } from './constraint.ts';

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
/** `]` and `}`. */
const CLOSERS: readonly number[] = [0x5d, 0x7d];

/** How much each token helps JSON to end, from 0, [V]: within a text, and outside of one. */
interface Ranks {
  readonly within: Uint8Array;
  readonly outside: Uint8Array;
}

const known = new WeakMap<TokenBytes, Ranks>();

function ranksOf(vocabulary: TokenBytes): Ranks {
  let ranks = known.get(vocabulary);
  if (ranks === undefined) {
    const first = (token: Uint8Array | undefined): number => token?.[0] ?? 0;
    ranks = {
      // What goes on to a next value in one token helps less.
      within: Uint8Array.from(vocabulary, (token) => (first(token) !== QUOTE ? 0 : token!.includes(COMMA) ? 1 : 2)),
      outside: Uint8Array.from(vocabulary, (token) =>
        CLOSERS.includes(first(token)) ? 2 : first(token) === COMMA ? 1 : 0,
      ),
    };
    known.set(vocabulary, ranks);
  }
  return ranks;
}

/**
 * The same constraint on JSON, but after so many tokens only what leads to its end soonest: texts end, arrays take no more
 * items than they must, and what is required is still written.
 * @param vocabulary of the model's tokenizer, as for the constraint
 */
export function inTime(factory: ConstraintFactory, vocabulary: TokenBytes, tokens: number): ConstraintFactory {
  return { start: (endTokens) => new TimedConstraint(factory.start(endTokens), vocabulary, tokens) };
}

class TimedConstraint implements Constraint {
  readonly #constraint: Constraint;
  readonly #vocabulary: TokenBytes;
  readonly #ranks: Ranks;
  #left: number;
  #within = false;
  #escaped = false;

  constructor(constraint: Constraint, vocabulary: TokenBytes, tokens: number) {
    this.#constraint = constraint;
    this.#vocabulary = vocabulary;
    this.#ranks = ranksOf(vocabulary);
    this.#left = tokens;
  }

  get finished(): boolean {
    return this.#constraint.finished;
  }

  mask(logits: Float32Array): void {
    this.#constraint.mask(logits);
    if (this.#left > 0 || this.#escaped) return;
    const rankOf = this.#within ? this.#ranks.within : this.#ranks.outside;
    let best = 0;
    for (let token = 0; token < logits.length; token++)
      if (logits[token] !== -Infinity) best = Math.max(best, rankOf[token] ?? 0);
    if (best === 0) return;
    for (let token = 0; token < logits.length; token++) if ((rankOf[token] ?? 0) < best) logits[token] = -Infinity;
  }

  accept(token: number): void {
    this.#constraint.accept(token);
    this.#left--;
    for (const byte of this.#vocabulary[token] ?? []) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === QUOTE) this.#within = !this.#within;
      else if (byte === BACKSLASH && this.#within) this.#escaped = true;
    }
  }
}
