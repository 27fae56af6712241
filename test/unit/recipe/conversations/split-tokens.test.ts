import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/core/index.ts';
import { encodeSample } from '../../../../src/recipe/conversations/encode.ts';
import { splitTokens } from '../../../../src/recipe/conversations/split-tokens.ts';
import { joinedTokens } from '../../../../src/data/index.ts';
import { joined, reader, sample, tokenizer } from './tiny.ts';

describe('splitTokens', () => {
  it('writes the same answer in other tokens, down to single letters and bytes, and leaves the question as it is', async () => {
    const { conversations } = await encodeSample(
      sample(1, [['how many cats are there?', '三只猫 what apple']]),
      reader,
    );
    const [whole] = conversations;
    const first = whole!.learned.indexOf(1);
    const random = new Random(4);
    const seen = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const split = splitTokens(whole!, joined, random);
      expect(tokenizer.decode(split.tokens, { specialTokens: true })).toBe(
        tokenizer.decode(whole!.tokens, { specialTokens: true }),
      );
      expect(split.tokens.slice(0, first)).toEqual(whole!.tokens.slice(0, first));
      expect(split.learned).toHaveLength(split.tokens.length);
      expect(split.learned.indexOf(1)).toBe(first);
      const said = split.tokens.filter((_, at) => split.learned[at] === 1);
      expect(said).toEqual(split.tokens.slice(first));
      for (const token of said) seen.add(token);
    }
    const letters = [...seen].filter((token) => !joined.has(token));
    // Single bytes of the Chinese characters among them.
    expect(letters.length).toBeGreaterThan(10);
    expect(whole!.tokens.some((token) => joined.has(token) && seen.has(token))).toBe(true);
  });
});

describe('joinedTokens', () => {
  it('says of each token but letters what it is joined of', () => {
    expect(joined.size).toBeGreaterThan(50);
    for (const [whole, parts] of joined)
      expect(tokenizer.decode([...parts], { specialTokens: true })).toBe(
        tokenizer.decode([whole], { specialTokens: true }),
      );
    expect(joined.has(tokenizer.id('<image>')!)).toBe(false);
  });

  it('refuses what is no tokenizer of byte pairs', () => {
    expect(() => joinedTokens({ model: { vocab: [['a', 0]] } }, 'mine')).toThrow(/mine: .*vocab/);
  });
});
