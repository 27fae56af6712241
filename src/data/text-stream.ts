/** Turns tokens into text as they come. */
export class TextStream {
  readonly #decode: (ids: readonly number[]) => string;
  /** Tokens whose text has not been given out for good: neighbours decide about spaces and parts of characters. */
  #pending: number[] = [];
  /** What the first of the pending tokens, kept as context, decode to. */
  #given = '';

  /** @param decode tokens to text; bytes that are no whole character become U+FFFD */
  constructor(decode: (ids: readonly number[]) => string) {
    this.#decode = decode;
  }

  /** @returns what the token adds to the text; nothing while a character is not whole */
  push(token: number): string {
    this.#pending.push(token);
    const text = this.#decode(this.#pending);
    if (text.endsWith('\uFFFD') && this.#pending.length < LONGEST) return '';
    return this.#advance(text);
  }

  /** What is left when no more tokens come. */
  end(): string {
    return this.#advance(this.#decode(this.#pending));
  }

  #advance(text: string): string {
    // Where decoding has changed what was given out before, it cannot be taken back.
    const added = text.startsWith(this.#given) ? text.slice(this.#given.length) : '';
    if (added === '') return '';
    // The last token stays as context for the next one.
    this.#pending = this.#pending.slice(-1);
    this.#given = this.#decode(this.#pending);
    return added;
  }
}

/** A character has at most four bytes and so at most four tokens; more that end in no character are simply wrong. */
const LONGEST = 12;
