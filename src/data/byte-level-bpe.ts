import { Tokenizer } from '@huggingface/tokenizers';
import { DataError } from '../core/index.ts';
import { BYTE_LETTERS, lettersToBytes } from './byte-letters.ts';
import { joinPairs } from './join-pairs.ts';
import { boundedText } from './text.ts';

export interface ByteLevelBpeOptions {
  /** Number of tokens: special and added ones, the 256 bytes, and what they are joined to. Fewer where the texts give fewer. */
  readonly vocabSize: number;
  /** Tokens of their own wherever their texts stand, such as the end of a turn; left out of decoded text. They are ids 0 and up. */
  readonly specialTokens?: readonly string[];
  /** Tokens of their own as well, but a part of decoded text, such as places in a picture. Their ids follow. */
  readonly addedTokens?: readonly string[];
  /** Pairs that occur less often are not joined. */
  readonly minPairCount?: number;
  /** Whether decoded text loses the space that it begins with, for models whose answers begin with one; false unless told. */
  readonly trimStart?: boolean;
}

/** Content of a `tokenizer.json` of this kind, in the form of Hugging Face's library. */
export interface ByteLevelBpeFile {
  readonly version: '1.0';
  readonly added_tokens: readonly AddedTokenEntry[];
  readonly model: {
    readonly type: 'BPE';
    /** Ids by token, bytes written as letters. */
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (readonly [string, string])[];
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

export interface AddedTokenEntry {
  readonly id: number;
  readonly content: string;
  readonly single_word: false;
  readonly lstrip: false;
  readonly rstrip: false;
  readonly normalized: false;
  readonly special: boolean;
}

/** Scripts that are written without spaces. */
const UNSPACED = String.raw`\p{Han}\p{Hiragana}\p{Katakana}`;
/**
 * Where text is cut before pairs are joined, most like Llama 3's rule: English contractions; runs of Chinese and Japanese;
 * words in capitals letter by letter, without the space before them, since they are spelled; other words with the space before
 * them; digits one by one; signs; ends of lines; spaces. Signs take no letters with them, which
 * would spend a small vocabulary on every word anew after each quotation mark.
 */
const SPLIT = [
  String.raw`'(?:[sdmtSDMT]|ll|ve|re|LL|VE|RE)`,
  `[${UNSPACED}]+`,
  String.raw`\p{Lu}(?=\p{Lu})| (?=\p{Lu}\p{Lu})`,
  String.raw` ?(?:(?![${UNSPACED}])[\p{L}\p{M}])+`,
  String.raw`\p{N}`,
  String.raw` ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*`,
  String.raw`\s*[\r\n]+`,
  String.raw`\s+(?!\S)`,
  String.raw`\s+`,
].join('|');

/** Characters of a token in scripts without spaces: words and idioms, but no sentences. */
const MAX_UNSPACED = 4;
/** Bytes of any token. */
const MAX_BYTES = 32;
const UNSPACED_TEXT = new RegExp('[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}]', 'u');

/**
 * Makes a tokenizer of byte pairs (Sennrich et al. 2016, arXiv 1508.07909; over bytes as GPT-2 has it, Radford et al. 2019).
 * Every text can be written with it and read back. Pairs are joined within characters or to whole characters only, so that no
 * token ends amidst one and begins another. Equal texts and options give equal files, on one version of Node: how Chinese and
 * Japanese are cut into words is up to the dictionary of its ICU.
 * @returns content of `tokenizer.json`
 * @throws DataError when `vocabSize` does not hold the special tokens and the bytes, a special token is given twice, is empty
 * or is a single byte's letter, or there is no text
 */
export function trainByteLevelBpe(texts: Iterable<string>, options: ByteLevelBpeOptions): ByteLevelBpeFile {
  const { vocabSize, specialTokens = [], addedTokens = [], minPairCount = 2, trimStart = false } = options;
  const own = [...specialTokens, ...addedTokens];
  checkOwn(own, vocabSize);
  const counts = countWords(texts, own);
  if (counts.size === 0) throw new DataError('there is no text to make a tokenizer from', 'give the training texts');

  const encoder = new TextEncoder();
  const words = [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, count]) => ({ pieces: Array.from(encoder.encode(word)), count }));
  const vocabulary = new Set<string>([...own, ...BYTE_LETTERS]);
  const merges = new Map<string, readonly [string, string]>();
  const join = (left: string, right: string): string | undefined => (mayJoin(left + right) ? left + right : undefined);
  if (vocabulary.size < vocabSize)
    for (const { left, right, joined } of joinPairs(words, [...BYTE_LETTERS], { minCount: minPairCount, join })) {
      merges.set(`${left} ${right}`, [left, right]);
      vocabulary.add(joined);
      if (vocabulary.size >= vocabSize) break;
    }
  const file = fileOf(own, specialTokens.length, [...vocabulary], [...merges.values()]);
  return trimStart ? { ...file, decoder: trimmed(file['decoder']) } : file;
}

function checkOwn(own: readonly string[], vocabSize: number): void {
  const twice = own.find((token, index) => own.indexOf(token) !== index);
  if (twice !== undefined)
    throw new DataError(`the token ${JSON.stringify(twice)} is given twice`, 'name each special and added token once');
  const wrong = own.find((token) => token === '' || BYTE_LETTERS.includes(token));
  if (wrong !== undefined)
    throw new DataError(`${JSON.stringify(wrong)} cannot be a special token`, 'use names such as <|end|>');
  const least = own.length + BYTE_LETTERS.length;
  if (!Number.isInteger(vocabSize) || vocabSize < least)
    throw new DataError(
      `a vocabulary of ${vocabSize} is too small`,
      `${own.length} special and added tokens and 256 bytes are ${least}`,
    );
}

/** Whether bytes, written as letters, may be one token: a part of one character, or whole characters and not too many. */
function mayJoin(letters: string): boolean {
  if (letters.length > MAX_BYTES) return false;
  const bytes = lettersToBytes(letters)!;
  let [characters, left] = [0, 0];
  for (const byte of bytes) {
    const continues = (byte & 0xc0) === 0x80;
    if (left > 0 && continues) left--;
    // The inside of a character whose beginning is in another token.
    else if (continues) return bytes.every((other) => (other & 0xc0) === 0x80);
    else {
      // Amidst a character another begins.
      if (left > 0) return false;
      characters++;
      left = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
    }
  }
  if (left > 0) return characters === 1;
  return characters <= MAX_UNSPACED || !UNSPACED_TEXT.test(new TextDecoder().decode(bytes));
}

/**
 * Words as the tokenizer itself will cut them. Runs of Chinese and Japanese are cut further, into the words of ICU's dictionary:
 * otherwise what a template says often, such as "on the red", would become one token, and red be another token in each.
 */
function countWords(texts: Iterable<string>, own: readonly string[]): Map<string, number> {
  const splitter = new Tokenizer(fileOf([], 0, [...BYTE_LETTERS], [], splitStep()), {}).pre_tokenizer!;
  const runs = new Map<string, number>();
  const special = own.length === 0 ? undefined : new RegExp(own.toSorted(longestFirst).map(escaped).join('|'), 'u');
  for (const text of texts) {
    const bounded = boundedText(text);
    for (const part of special === undefined ? [bounded] : bounded.split(special))
      if (part !== '') for (const word of splitter.pre_tokenize(part)) runs.set(word, (runs.get(word) ?? 0) + 1);
  }
  const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });
  const counts = new Map<string, number>();
  for (const [run, count] of runs) {
    const words = UNSPACED_TEXT.test(run) ? Array.from(segmenter.segment(run), ({ segment }) => segment) : [run];
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + count);
  }
  return counts;
}

function longestFirst(a: string, b: string): number {
  return b.length - a.length || (a < b ? -1 : 1);
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

function splitStep(): object {
  return { type: 'Split', pattern: { Regex: SPLIT }, behavior: 'Isolated', invert: false };
}

/** A decoder that also takes off the first space of the whole text. */
function trimmed(decoder: unknown): object {
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  return { type: 'Sequence', decoders: [decoder, { type: 'Fuse' }, strip] };
}

function fileOf(
  own: readonly string[],
  specialCount: number,
  vocabulary: readonly string[],
  merges: readonly (readonly [string, string])[],
  preTokenizer: object = {
    type: 'Sequence',
    pretokenizers: [splitStep(), { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }],
  },
): ByteLevelBpeFile {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: own.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: id < specialCount,
    })),
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges,
    },
  };
}
