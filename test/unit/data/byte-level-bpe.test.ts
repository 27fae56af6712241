import { describe, expect, it } from 'vitest';
import { DataError, Random } from '../../../src/core/index.ts';
import { trainByteLevelBpe } from '../../../src/data/byte-level-bpe.ts';
import { BYTE_LETTERS } from '../../../src/data/byte-letters.ts';
import { CheckpointTokenizer } from '../../../src/data/checkpoint-tokenizer.ts';
import { joinPairs } from '../../../src/data/join-pairs.ts';
import { CONVERSATION_TOKENS, locationTokens, tokenizerConfig } from '../../../src/data/tokenizer-config.ts';

const ENGLISH = ['There are 12 red apples.', 'There is a red apple, and a "red" bird.', "it's red, isn't it?"];
const CHINESE = ['图中有3个红苹果。', '这是红苹果吗？', '红苹果在蓝色的雨伞的左边', '绿色的雨伞和红苹果'];
const TEXTS = [...ENGLISH, ...CHINESE, ...ENGLISH, ...CHINESE];
const OPTIONS = { vocabSize: 420, specialTokens: CONVERSATION_TOKENS, addedTokens: locationTokens() };
const file = trainByteLevelBpe(TEXTS, OPTIONS);
const tokenizer = new CheckpointTokenizer({ tokenizer: file, tokenizerConfig: tokenizerConfig() });
const pieces = (text: string): string[] =>
  tokenizer.encode(text).map((id) => tokenizer.decode([id], { specialTokens: true }));

describe('trainByteLevelBpe', () => {
  it('puts special tokens first, then added ones, then every byte', () => {
    expect(tokenizer.id('<|pad|>')).toBe(0);
    expect(CONVERSATION_TOKENS.map((token) => tokenizer.id(token))).toEqual([0, 1, 2, 3, 4, 5]);
    expect([tokenizer.id('<loc00>'), tokenizer.id('<loc63>')]).toEqual([6, 69]);
    expect(BYTE_LETTERS.map((letter) => tokenizer.id(letter))).toEqual(BYTE_LETTERS.map((_, byte) => 70 + byte));
    expect(tokenizer.vocabularySize).toBeLessThanOrEqual(420);
  });

  it('makes words of either language one token, with digits by themselves', () => {
    expect(pieces('a red apple')).toEqual(['a', ' red', ' apple']);
    expect(pieces('红苹果在左边')).toContain('苹果');
    expect(pieces('12 345')).toEqual(['1', '2', ' ', '3', '4', '5']);
    // Frequent though it is, it is no word.
    expect(pieces('蓝色的雨伞').length).toBeGreaterThan(1);
  });

  it('spells what is written in capitals, and no other word', () => {
    const texts = ['a CLOUD over Paris', 'a CLOUD over Paris', 'CLOUD', 'Paris'];
    const spelling = new CheckpointTokenizer({
      tokenizer: trainByteLevelBpe(texts, OPTIONS),
      tokenizerConfig: tokenizerConfig(),
    });
    const pieces = (text: string): string[] => spelling.encode(text).map((id) => spelling.decode([id]));
    expect(pieces('CLOUD')).toEqual(['C', 'L', 'O', 'U', 'D']);
    expect(pieces('over CLOUD').slice(-6)).toEqual([' ', 'C', 'L', 'O', 'U', 'D']);
    expect(pieces('a Paris')).toEqual(['a', ' Paris']);
  });

  it('does not join over the edge of a character', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    for (const bytes of tokenizer.tokenBytes()) {
      if (bytes === undefined) continue;
      const leads = bytes.filter((byte) => (byte & 0xc0) !== 0x80).length;
      if (leads > 1) expect(() => decoder.decode(bytes)).not.toThrow();
    }
  });

  it('reads back whatever it has written', () => {
    const random = new Random(3);
    for (let round = 0; round < 500; round++) {
      let text = '';
      for (let i = random.integer(12); i >= 0; i--) {
        const point = random.integer(random.integer(2) === 0 ? 0x300 : 0x110000);
        if (point < 0xd800 || point > 0xdfff) text += String.fromCodePoint(point);
      }
      expect(tokenizer.decode(tokenizer.encode(text), { specialTokens: true })).toBe(text);
    }
  });

  it('can take off the space that a decoded text begins with, and no other', () => {
    const trimming = new CheckpointTokenizer({
      tokenizer: trainByteLevelBpe(TEXTS, { ...OPTIONS, trimStart: true }),
      tokenizerConfig: tokenizerConfig(),
    });
    const ids = trimming.encode(' red<loc03> apple<|end|>');
    expect(ids).toEqual(tokenizer.encode(' red<loc03> apple<|end|>'));
    expect(trimming.decode(ids)).toBe('red<loc03> apple');
    const stream = trimming.stream();
    expect([...ids.map((id) => stream.push(id)), stream.end()].join('')).toBe('red<loc03> apple');
    expect(trimming.tokenBytes()[ids[0]!]).toEqual(new TextEncoder().encode(' red'));
  });

  it('lets answers in letters begin with a space, as plain text and in parts, and others not', () => {
    const written = (content: string): string[] =>
      [content, [{ type: 'text' as const, text: content }]].map((each) =>
        tokenizer.chatTemplates!.render([{ role: 'assistant', content: each }]),
      );
    for (const answer of ['red', 'Über', 'я']) {
      const whole = `<|assistant|> ${answer}<|end|>`;
      expect(written(answer)).toEqual([whole, whole]);
    }
    for (const answer of ['红', '3', '<loc01>', '{"a":1}', '', ' red']) {
      const whole = `<|assistant|>${answer}<|end|>`;
      expect(written(answer)).toEqual([whole, whole]);
    }
    const asked = tokenizer.chatTemplates!.render([{ role: 'user', content: 'red?' }], { addGenerationPrompt: true });
    expect(asked).toBe('<|user|>red?<|end|><|assistant|>');
  });

  it('keeps location tokens in decoded text, and leaves special ones out', () => {
    const ids = tokenizer.encode('<|user|><image>red<loc03><loc63><|end|>');
    expect(ids.length).toBe(7 - 1);
    expect(tokenizer.decode(ids)).toBe('red<loc03><loc63>');
  });

  it('learns nothing from special tokens within texts', () => {
    const plain = trainByteLevelBpe(['red red', 'red red'], { vocabSize: 300, specialTokens: ['<|end|>'] });
    const within = trainByteLevelBpe(['<|end|>red red<|end|>', 'red red'], {
      vocabSize: 300,
      specialTokens: ['<|end|>'],
    });
    expect(within).toEqual(plain);
  });

  it('gives equal files for equal texts, and a prefix of the merges for a smaller size', () => {
    expect(JSON.stringify(trainByteLevelBpe(TEXTS, OPTIONS))).toBe(JSON.stringify(file));
    const small = trainByteLevelBpe(TEXTS, { ...OPTIONS, vocabSize: 340 });
    expect(Object.keys(small.model.vocab).length).toBe(340);
    expect(file.model.merges.slice(0, small.model.merges.length)).toEqual(small.model.merges);
  });

  it('refuses what cannot be', () => {
    expect(() => trainByteLevelBpe(TEXTS, { vocabSize: 255 })).toThrow(DataError);
    expect(() => trainByteLevelBpe(TEXTS, { ...OPTIONS, vocabSize: 300 })).toThrow('326');
    expect(() => trainByteLevelBpe([], { vocabSize: 300 })).toThrow('no text');
    expect(() => trainByteLevelBpe(TEXTS, { vocabSize: 300, specialTokens: ['<a>', '<a>'] })).toThrow('twice');
    expect(() => trainByteLevelBpe(TEXTS, { vocabSize: 300, specialTokens: ['a'] })).toThrow('special token');
    expect(trainByteLevelBpe(TEXTS, { vocabSize: 256 }).model.merges).toEqual([]);
  });
});

describe('joinPairs', () => {
  const join = (left: string, right: string): string => left + right;
  const run = (words: [string, number][], minCount = 1): string[] => {
    const names = [...new Set(words.flatMap(([word]) => [...word]))];
    const counted = words.map(([word, count]) => ({ pieces: [...word].map((name) => names.indexOf(name)), count }));
    return [...joinPairs(counted, names, { minCount, join })].map(({ joined }) => joined);
  };

  it('joins the most frequent pair first, and of equal ones that which sorts first', () => {
    expect(
      run([
        ['abc', 2],
        ['bc', 3],
        ['xy', 2],
      ]),
    ).toEqual(['bc', 'abc', 'xy']);
    expect(
      run([
        ['ba', 1],
        ['ab', 1],
      ]),
    ).toEqual(['ab', 'ba']);
  });

  it('counts anew as words change', () => {
    // After `ab` there is no `bc` any more.
    expect(
      run([
        ['abc', 3],
        ['ab', 1],
      ]),
    ).toEqual(['ab', 'abc']);
    expect(run([['aaaa', 1]])).toEqual(['aa', 'aaaa']);
  });

  it('leaves rare pairs and those that may not be joined', () => {
    expect(
      run(
        [
          ['ab', 2],
          ['cd', 1],
        ],
        2,
      ),
    ).toEqual(['ab']);
    const words = [{ pieces: [0, 1], count: 5 }];
    expect([...joinPairs(words, ['a', 'b'], { minCount: 1, join: () => undefined })]).toEqual([]);
  });

  it('finds what a plain search finds', () => {
    const random = new Random(11);
    const words = Array.from({ length: 60 }, (): [string, number] => [
      Array.from({ length: 2 + random.integer(9) }, () => 'abcd'[random.integer(4)]).join(''),
      1 + random.integer(5),
    ]);
    expect(run(words, 2)).toEqual(plainSearch(words, 2));
  });
});

/** Counts everything anew after every pair. */
function plainSearch(words: readonly [string, number][], minCount: number): string[] {
  const split = words.map(([word, count]) => ({ pieces: [...word], count }));
  const result: string[] = [];
  for (;;) {
    const counts = new Map<string, number>();
    for (const { pieces, count } of split)
      for (let i = 0; i + 1 < pieces.length; i++) {
        const pair = `${pieces[i]} ${pieces[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      }
    const [best] = [...counts]
      .filter(([, count]) => count >= minCount)
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    if (best === undefined) return result;
    const [left, right] = best[0].split(' ') as [string, string];
    result.push(left + right);
    for (const word of split)
      for (let i = 0; i + 1 < word.pieces.length; i++)
        if (word.pieces[i] === left && word.pieces[i + 1] === right) word.pieces.splice(i, 2, left + right);
  }
}
