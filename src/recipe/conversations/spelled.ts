/** Tokens as letters, so that what is found in a text is found among tokens, which may reach over its ends. */
import type { TokenBytes } from '../../data/index.ts';

/** Tokens as letters, joined, and where each of them ends. */
export interface Spelled {
  readonly text: string;
  readonly ends: readonly number[];
}

const encoder = new TextEncoder();

/** Of each tokenizer the tokens as letters, as far as they were met. */
const known = new WeakMap<TokenBytes, string[]>();

/** A letter for each byte, so that places in the text are places among bytes; small letters for capital ones. */
function asLetters(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte))
    .join('')
    .toLowerCase();
}

/** A text in letters of which each is a byte. */
export function lettersIn(text: string): string {
  return asLetters(encoder.encode(text));
}

/** Tokens in the letters of {@link lettersIn}. */
export function spell(tokens: readonly number[], bytes: TokenBytes): Spelled {
  const letters = known.get(bytes) ?? [];
  known.set(bytes, letters);
  // Tokens that stand for no text part names.
  const parts = tokens.map((token) => (letters[token] ??= asLetters(bytes[token] ?? [10])));
  let size = 0;
  return { text: parts.join(''), ends: parts.map((part) => (size += part.length)) };
}

/** The token of a letter. */
export function tokenAt({ ends }: Spelled, letter: number): number {
  return ends.findIndex((end) => end > letter);
}
