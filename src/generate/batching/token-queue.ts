import type { GeneratedToken } from '../generate.ts';

/**
 * Tokens on their way from the batch to whoever asked for them. The batch never waits: what was not fetched yet is kept. An
 * answer holds at most as many tokens as its request allows, so that this is all that one can come to.
 */
export class TokenQueue {
  #tokens: GeneratedToken[] = [];
  /** Index of the first token that was not fetched. */
  #first = 0;
  #ended = false;
  #error: { readonly reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Tokens that were not fetched yet. */
  get length(): number {
    return this.#tokens.length - this.#first;
  }

  push(token: GeneratedToken): void {
    if (this.#ended) return;
    this.#tokens.push(token);
    this.#call();
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true;
    this.#call();
  }

  /** Ends with an error, behind the tokens that came before it. @param at once, which drops them */
  fail(reason: unknown, at: 'once' | 'end'): void {
    if (this.#ended) return;
    if (at === 'once') this.#drop();
    this.#error = { reason };
    this.end();
  }

  /** @returns nothing when the end was reached  @throws what it failed with */
  async next(): Promise<GeneratedToken | undefined> {
    while (this.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    const token = this.#tokens[this.#first];
    if (token !== undefined) {
      this.#first++;
      if (this.length === 0) this.#drop();
      return token;
    }
    if (this.#error !== undefined) throw this.#error.reason;
    return undefined;
  }

  #drop(): void {
    this.#tokens = [];
    this.#first = 0;
  }

  #call(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
