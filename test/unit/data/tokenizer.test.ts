import { describe, expect, it } from 'vitest';

import { CheckpointError, DataError } from '../../../src/core/index.ts';
import { boundedText, decodeUtf8, MAX_TEXT_LENGTH, requireText } from '../../../src/data/text.ts';
import { SPECIAL_TOKENS, trainTokenizer } from '../../../src/data/tokenizer-trainer.ts';
import { TextTokenizer } from '../../../src/data/tokenizer.ts';

const TEXTS = [
  'This is a red apple',
  'this is a grinning face',
  'a singing bird, singing',
  '这是红苹果',
  '这是一只鸟',
  'café',
];
const tokenizer = trainTokenizer(TEXTS, { vocabSize: 120 });

describe('trainTokenizer', () => {
  it('knows the special tokens first, then characters, then joined pieces', () => {
    expect(SPECIAL_TOKENS.map((token) => tokenizer.id(token))).toEqual([0, 1, 2, 3, 4]);
    expect(tokenizer.padId).toBe(0);
    expect(tokenizer.vocabSize).toBeLessThanOrEqual(120);
    expect(tokenizer.tokens(tokenizer.encode('this is'))).toEqual(['[CLS]', 'this', 'is', '[SEP]']);
  });

  it('lower-cases, strips accents and takes Chinese character by character', () => {
    expect(tokenizer.encode('THIS IS Cafe')).toEqual(tokenizer.encode('this is café'));
    expect(tokenizer.tokens(tokenizer.encode('这是鸟'))).toEqual(['[CLS]', '这', '是', '鸟', '[SEP]']);
  });

  it('cuts unknown words into pieces and marks unknown characters', () => {
    const pieces = tokenizer.tokens(tokenizer.encode('sings')).slice(1, -1);
    expect(pieces.map((piece) => piece.replace(/^##/, '')).join('')).toBe('sings');
    expect(pieces.slice(1).every((piece) => piece.startsWith('##'))).toBe(true);
    expect(pieces.length).toBeLessThan(5);
    expect(tokenizer.tokens(tokenizer.encode('龘'))).toEqual(['[CLS]', '[UNK]', '[SEP]']);
  });

  it('gives equal files for equal texts, and saved and loaded equal ids', () => {
    expect(trainTokenizer(TEXTS, { vocabSize: 120 }).serialize()).toBe(tokenizer.serialize());
    const loaded = TextTokenizer.parse(tokenizer.serialize());
    for (const text of [...TEXTS, '', 'x'.repeat(500), '🍎 [MASK] "quoted"\u0000'])
      expect(loaded.encode(text)).toEqual(tokenizer.encode(text));
    expect(loaded.vocabSize).toBe(tokenizer.vocabSize);
  });

  it('keeps to the size asked for', () => {
    expect(trainTokenizer(TEXTS, { vocabSize: 12 }).vocabSize).toBe(12);
    expect(() => trainTokenizer(TEXTS, { vocabSize: 5 })).toThrow(DataError);
    expect(() => trainTokenizer(['', '  '], { vocabSize: 50 })).toThrow('no text');
  });
});

describe('TextTokenizer', () => {
  it('pads and truncates to rows of one length', () => {
    const { ids, mask } = tokenizer.encodeBatch(['this is', 'this is a red apple', ''], 5);
    expect(ids.shape).toEqual([3, 5]);
    const [cls, sep] = [2n, 3n];
    expect([...ids.data.subarray(0, 5)]).toEqual([
      cls,
      BigInt(tokenizer.id('this')!),
      BigInt(tokenizer.id('is')!),
      sep,
      0n,
    ]);
    expect(ids.data[9]).toBe(sep);
    expect([...ids.data.subarray(10)]).toEqual([cls, sep, 0n, 0n, 0n]);
    expect([...mask.data]).toEqual([1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
  });

  it('truncates very long texts and refuses lengths without room', () => {
    expect(tokenizer.encode('this is '.repeat(200_000), 16)).toHaveLength(16);
    expect(tokenizer.encode('a'.repeat(1_000_000), 16)).toEqual([2, 1, 3]);
    expect(() => tokenizer.encode('this is', 2)).toThrow('allow at least 3 tokens');
    const bare = new TextTokenizer({ ...(tokenizer.json as object), post_processor: null });
    expect(() => bare.encodeBatch([''], 4)).toThrow('no token');
  });

  it('decodes', () => {
    expect(tokenizer.decode(tokenizer.encode('this is a red apple'))).toBe('this is a red apple');
  });

  it.each([
    ['{'],
    ['null'],
    ['[]'],
    ['{"model":{}}'],
    ['{"model":{"type":"Nonsense","vocab":{"a":0}}}'],
    ['{"model":{"type":"WordPiece","vocab":{"a":"x"}}}'],
  ])('refuses %s as a file', (text) => {
    expect(() => TextTokenizer.parse(text, 'model/tokenizer.json')).toThrow(CheckpointError);
    expect(() => TextTokenizer.parse(text, 'model/tokenizer.json')).toThrow('model/tokenizer.json');
  });
});

describe('text', () => {
  it('reads UTF-8 and nothing else', () => {
    expect(decodeUtf8(Buffer.from('苹果'), 'a.txt')).toBe('苹果');
    expect(() => decodeUtf8(Uint8Array.of(0xb5, 0xe7), 'a.txt')).toThrow(
      /a\.txt is not valid UTF-8 text[^]*save it as UTF-8/,
    );
  });

  it('bounds texts without cutting a character', () => {
    expect(boundedText('')).toBe('');
    expect(boundedText('a\uD800b')).toBe('a\uFFFDb');
    expect(boundedText(`${'a'.repeat(MAX_TEXT_LENGTH - 1)}🍎`)).toHaveLength(MAX_TEXT_LENGTH - 1);
    expect(() => requireText(' \n', 'the statement')).toThrow('the statement is empty');
  });
});
