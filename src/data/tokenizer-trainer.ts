import { Tokenizer } from '@huggingface/tokenizers';

import { DataError } from '../core/index.ts';
import { joinPairs } from './join-pairs.ts';
import { boundedText } from './text.ts';
import { TextTokenizer } from './tokenizer.ts';

/** In this order they are ids 0 to 4. */
export const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

export interface TokenizerTrainingOptions {
  /** Largest number of tokens, special ones included. */
  readonly vocabSize: number;
  /** Characters that occur less often become [UNK]. */
  readonly minCharacterCount?: number;
  /** Pairs that occur less often are not joined. */
  readonly minPairCount?: number;
}

/**
 * Makes a WordPiece tokenizer (Schuster and Nakajima 2012) for lower-cased text from training texts. Words are cut at white space
 * and punctuation, every Chinese character is a word. The pieces come from joining the most frequent neighbours again and
 * again (Sennrich et al. 2016); ties go to the pair that sorts first, so that equal texts give equal files.
 * @throws DataError when `vocabSize` does not even hold the special tokens, or there is no text
 */
export function trainTokenizer(texts: Iterable<string>, options: TokenizerTrainingOptions): TextTokenizer {
  const { vocabSize, minCharacterCount = 1, minPairCount = 2 } = options;
  if (vocabSize <= SPECIAL_TOKENS.length)
    throw new DataError(`a vocabulary of ${vocabSize} is too small`, 'allow some thousand tokens');
  const words = [...countWords(texts)]
    .sort(byCountThenName)
    .map(([word, count]) => ({ pieces: splitWord(word), count }));
  if (words.length === 0) throw new DataError('there is no text to make a tokenizer from', 'give the training texts');

  const characters = new Map<string, number>();
  for (const { pieces, count } of words)
    for (const piece of pieces) characters.set(piece, (characters.get(piece) ?? 0) + count);
  const vocabulary = new Set<string>(SPECIAL_TOKENS);
  for (const [piece, count] of [...characters].sort(byCountThenName)) {
    if (vocabulary.size < vocabSize && count >= minCharacterCount) vocabulary.add(piece);
  }
  const names = [...characters.keys()];
  const ids = new Map(names.map((name, id) => [name, id]));
  const counted = words.map(({ pieces, count }) => ({ pieces: pieces.map((piece) => ids.get(piece)!), count }));
  const join = (left: string, right: string): string => left + right.slice(CONTINUATION.length);
  if (vocabulary.size < vocabSize)
    for (const { joined } of joinPairs(counted, names, { minCount: minPairCount, join })) {
      vocabulary.add(joined);
      if (vocabulary.size >= vocabSize) break;
    }
  return new TextTokenizer(tokenizerJson([...vocabulary]));
}

const CONTINUATION = '##';

function splitWord(word: string): string[] {
  return [...word].map((character, i) => (i === 0 ? character : CONTINUATION + character));
}

function byCountThenName(a: readonly [string, number], b: readonly [string, number]): number {
  return b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
}

/** Words as the tokenizer itself will see them. */
function countWords(texts: Iterable<string>): Map<string, number> {
  const splitter = new Tokenizer(tokenizerJson([...SPECIAL_TOKENS]), {});
  const counts = new Map<string, number>();
  for (const text of texts) {
    const normal = splitter.normalizer!.normalize(boundedText(text));
    for (const word of splitter.pre_tokenizer!.pre_tokenize(normal)) {
      if (word !== '' && word.length <= MAX_WORD) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

/** Longer words are [UNK]. */
const MAX_WORD = 100;

function tokenizerJson(vocabulary: readonly string[]): object {
  const special = (token: string): object => ({ SpecialToken: { id: token, type_id: 0 } });
  const sequence = (id: string, type: number): object => ({ Sequence: { id, type_id: type } });
  const entry = (token: (typeof SPECIAL_TOKENS)[number]): object => ({
    id: token,
    ids: [SPECIAL_TOKENS.indexOf(token)],
    tokens: [token],
  });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]'), sequence('A', 0), special('[SEP]')],
      pair: [
        special('[CLS]'),
        sequence('A', 0),
        special('[SEP]'),
        sequence('B', 1),
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: { '[CLS]': entry('[CLS]'), '[SEP]': entry('[SEP]') },
    },
    decoder: { type: 'WordPiece', prefix: CONTINUATION, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: CONTINUATION,
      max_input_chars_per_word: MAX_WORD,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    },
  };
}
