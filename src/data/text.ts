import { DataError } from '../core/index.ts';

/** Characters (UTF-16 units) of a text that are looked at; what follows is cut off before anything else is done. */
export const MAX_TEXT_LENGTH = 100_000;

/** Bytes as text. @throws DataError when they are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError(`${where} is not valid UTF-8 text`, 'save it as UTF-8', { cause });
  }
}

/**
 * A text fit for a tokenizer: lone surrogates replaced by U+FFFD, cut at {@link MAX_TEXT_LENGTH} and not within a character.
 * Empty text stays empty; see {@link requireText} where it makes no sense.
 */
export function boundedText(text: string): string {
  const cut = text.length <= MAX_TEXT_LENGTH ? text : text.slice(0, MAX_TEXT_LENGTH);
  const whole = cut.length < text.length && /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
  return whole.replaceAll(LONE_SURROGATE, '\uFFFD');
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** The text, checked not to be blank. @throws DataError */
export function requireText(text: string, where: string): string {
  if (text.trim() === '') throw new DataError(`${where} is empty`, 'write at least one word');
  return text;
}
