/** Log-probabilities of tokens as OpenAI's interface has them. */
import { z } from 'zod';
import type { CheckpointTokenizer } from '../../data/index.ts';
import type { GeneratedToken } from '../../generate/index.ts';

interface Scored {
  readonly token: string;
  readonly logprob: number;
  /** Bytes of the token in UTF-8; a letter may be spread over several tokens. */
  readonly bytes: readonly number[];
}

/** A token that was written, and the likeliest in its place. */
export interface TokenLogProbability extends Scored {
  readonly top_logprobs: readonly Scored[];
}

const scored = { token: z.string(), logprob: z.number(), bytes: z.array(z.int().min(0).max(255)) };

export const tokenLogProbability: z.ZodType<TokenLogProbability> = z.object({
  ...scored,
  top_logprobs: z.array(z.object(scored)),
});

/** The least that is given, as JSON has no infinity; OpenAI's interface has the same. */
const LEAST = -9999;
const SPACE = 0x20;

/** Writes the tokens of one request's answers as text with their bytes. */
export class TokenWriter {
  readonly #tokenizer: CheckpointTokenizer;
  readonly #bytes: readonly (Uint8Array | undefined)[];
  /** Answers that have begun. */
  readonly #begun = new Set<number>();

  constructor(tokenizer: CheckpointTokenizer) {
    this.#tokenizer = tokenizer;
    this.#bytes = bytesOf(tokenizer);
  }

  /** @returns undefined for tokens that stand for no text, such as the end */
  entry({ token, row, logProbability = 0, alternatives = [] }: GeneratedToken): TokenLogProbability | undefined {
    if (this.#textOf(token, false) === '' && this.#bytes[token] === undefined) return undefined;
    const first = !this.#begun.has(row);
    this.#begun.add(row);
    return {
      ...this.#scored(token, logProbability, first),
      top_logprobs: alternatives.map((other) => this.#scored(other.token, other.logProbability, first)),
    };
  }

  #scored(token: number, logProbability: number, first: boolean): Scored {
    const all = this.#bytes[token] ?? new TextEncoder().encode(this.#textOf(token, true));
    // Tokenizers that take off the space at the very start of a text.
    const isTrimmed = first && all[0] === SPACE && !this.#textOf(token, true).startsWith(' ');
    const bytes = isTrimmed ? all.subarray(1) : all;
    return {
      token: new TextDecoder().decode(bytes),
      logprob: Number.isFinite(logProbability) ? Math.max(LEAST, logProbability) : LEAST,
      bytes: [...bytes],
    };
  }

  #textOf(token: number, specialTokens: boolean): string {
    const stream = this.#tokenizer.stream({ specialTokens });
    return stream.push(token) + stream.end();
  }
}

/** None where a tokenizer's tokens are not pieces of bytes. */
function bytesOf(tokenizer: CheckpointTokenizer): readonly (Uint8Array | undefined)[] {
  try {
    return tokenizer.tokenBytes();
  } catch {
    return [];
  }
}
