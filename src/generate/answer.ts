import { GenerationError } from '../core/index.ts';
import type { Decoding } from './decoding.ts';
import { generate, type GeneratedToken, type GenerateOptions } from './generate.ts';
import type { Prompt } from './prompt.ts';

/** Tokens to text as they come; a tokenizer has it. */
export interface TextDecoding {
  stream(): { push(token: number): string; end(): string };
}

/** What comes while an answer is written. */
export interface AnswerPiece {
  /** What can be shown now; perhaps nothing, while half of a letter is there, or what might become a stop string. */
  readonly text: string;
  readonly token: GeneratedToken;
}

export interface TextOptions extends GenerateOptions {
  /** Texts that end an answer. They are not shown; their tokens are given. */
  readonly stop?: readonly string[];
}

const MAX_STOPS = 100;
const MAX_STOP_LETTERS = 1000;

/** As {@link generate}, with text. @throws GenerationError for stop strings that are empty, too many or too long, too */
export function answer(
  decoding: Decoding,
  prompts: readonly (readonly number[] | Prompt)[],
  tokenizer: TextDecoding,
  options: TextOptions = {},
): AsyncGenerator<AnswerPiece, void, void> {
  return withText((changed) => generate(decoding, prompts, changed), tokenizer, options);
}

/**
 * Tokens with their text.
 * @param tokens generates, with the options that it is given
 * @throws GenerationError for stop strings that are empty, too many or too long, and what `tokens` throws
 */
export async function* withText<Options extends TextOptions>(
  tokens: (options: Options) => AsyncIterable<GeneratedToken>,
  tokenizer: TextDecoding,
  options: Options,
): AsyncGenerator<AnswerPiece, void, void> {
  const { stop = [], stopTokens = [], until } = options;
  checkStops(stop);
  const ends = new Set(stopTokens);
  const texts = new Map<number, RowText>();
  const textOf = (row: number): RowText => {
    const known = texts.get(row) ?? { text: new AnswerText(tokenizer, stop), shown: [] };
    texts.set(row, known);
    return known;
  };
  // Tokens may be chosen well before they are fetched: what each of them shows is kept for it.
  const ended = (row: number, token: number): boolean => {
    const { text, shown } = textOf(row);
    if (!ends.has(token)) text.push(token);
    shown.push(text.take());
    return text.stopped || until?.(row, token) === true;
  };
  for await (const token of tokens({ ...options, until: ended })) {
    const { text, shown } = textOf(token.row);
    if (token.finish !== undefined) text.end();
    yield { token, text: shown.shift()! + (token.finish === undefined ? '' : text.take()) };
  }
}

interface RowText {
  readonly text: AnswerText;
  /** What tokens show that were not fetched yet. */
  readonly shown: string[];
}

/** The text of one answer. */
export class AnswerText {
  readonly #stream: ReturnType<TextDecoding['stream']>;
  readonly #stop: readonly string[];
  /** What was not taken yet, of which the end may be the beginning of a stop string. */
  #waiting = '';
  #ready = 0;
  #stopped = false;

  constructor(tokenizer: TextDecoding, stop: readonly string[] = []) {
    this.#stream = tokenizer.stream();
    this.#stop = stop;
  }

  /** Whether a stop string came. */
  get stopped(): boolean {
    return this.#stopped;
  }

  push(token: number): void {
    if (!this.#stopped) this.#add(this.#stream.push(token));
  }

  /** Nothing else comes: what was held back is text. */
  end(): void {
    if (this.#stopped) return;
    this.#add(this.#stream.end());
    this.#ready = this.#waiting.length;
  }

  /** What can be shown, once. */
  take(): string {
    const text = this.#waiting.slice(0, this.#ready);
    this.#waiting = this.#waiting.slice(this.#ready);
    this.#ready = 0;
    return text;
  }

  #add(text: string): void {
    this.#waiting += text;
    const found = this.#stop.map((stop) => this.#waiting.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#stopped = true;
      this.#waiting = this.#waiting.slice(0, Math.min(...found));
      this.#ready = this.#waiting.length;
    } else this.#ready = this.#waiting.length - Math.max(0, ...this.#stop.map((stop) => overlap(this.#waiting, stop)));
  }
}

/** Length of the longest end of a text that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--)
    if (stop.startsWith(text.slice(text.length - length))) return length;
  return 0;
}

function checkStops(stop: readonly string[]): void {
  if (stop.length > MAX_STOPS || stop.some((text) => text === '' || text.length > MAX_STOP_LETTERS))
    throw new GenerationError(
      `stop holds ${stop.length} texts, of which one may be empty or too long`,
      `give up to ${MAX_STOPS} with 1 to ${MAX_STOP_LETTERS} letters`,
    );
}
