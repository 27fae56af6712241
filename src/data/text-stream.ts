/** Tokens that are waited for at most; a letter has four bytes, hence four tokens at most. */
const MAX_WAITING = 16;

/**
 * Text of ids that come one by one, without the halves of letters: text is held back while it ends in the sign that
 * stands for broken bytes. What was said last is decoded along with what is new, because some tokenizers write a token
 * differently at the start of a text.
 */
export class TextStream {
  readonly #decode: (ids: readonly number[]) => string;
  /** Ids whose text was given already, for context, then those that wait. */
  #ids: number[] = [];
  #given = 0;

  constructor(decode: (ids: readonly number[]) => string) {
    this.#decode = decode;
  }

  /** @returns what can be shown now, perhaps nothing */
  push(id: number): string {
    this.#ids.push(id);
    const text = this.#waiting();
    const isBroken = text.endsWith('\uFFFD') && this.#ids.length - this.#given <= MAX_WAITING;
    return text === '' || isBroken ? '' : this.#give(text);
  }

  /** @returns what was held back; a stream can be used anew afterwards */
  end(): string {
    const text = this.#waiting();
    this.#ids = [];
    this.#given = 0;
    return text;
  }

  #waiting(): string {
    return this.#decode(this.#ids).slice(this.#decode(this.#ids.slice(0, this.#given)).length);
  }

  #give(text: string): string {
    this.#ids = this.#ids.slice(this.#given);
    this.#given = this.#ids.length;
    return text;
  }
}
