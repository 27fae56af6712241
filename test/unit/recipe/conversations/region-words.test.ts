import { describe, expect, it } from 'vitest';
import type { Sample, SampleRegion } from '../../../../src/data/index.ts';
import { encodeSample } from '../../../../src/recipe/conversations/encode.ts';
import { regionWords } from '../../../../src/recipe/conversations/region-words.ts';
import { reader, sample, tokenizer } from './tiny.ts';

const APPLE: SampleRegion = {
  picture: 0,
  box: [0, 0, 0.5, 1],
  concept: 1,
  names: ['a red apple', '三只猫'],
  qualities: ['apple'],
};

async function wordsOf(regions: readonly SampleRegion[], known = reader): Promise<Float32Array[]> {
  const samples: Sample[] = [{ ...sample(1, [['what is this?', 'a red apple']]), regions }];
  const encoded = await Promise.all(samples.map((each) => encodeSample(each, known)));
  const vocabulary = tokenizer.vocabularySize;
  const { shape, data } = regionWords(samples, encoded, known, { regions: 3, vocabulary });
  expect(shape).toEqual([3, vocabulary]);
  return [0, 1, 2].map((row) => data.subarray(row * vocabulary, (row + 1) * vocabulary));
}

const total = (row: Float32Array): number => row.reduce((sum, share) => sum + share, 0);
const ids = (text: string): number[] => tokenizer.encode(text, { specialTokens: false });

describe('what is said of regions', () => {
  it('is its names, its qualities and its box, and sums to one', async () => {
    const [row, ...rest] = await wordsOf([APPLE]);
    expect(total(row!)).toBeCloseTo(1, 6);
    expect(rest.map(total)).toEqual([0, 0]);
    const of = (tokens: readonly number[]): number =>
      [...new Set(tokens)].reduce((sum, token) => sum + row![token]!, 0);
    for (const text of [' a red apple', '三只猫', ' apple', '<loc00><loc32><loc63>'])
      for (const token of ids(text)) expect(row![token], text).toBeGreaterThan(0);
    // Left and top are one token here, so that three share what a box has: a fifth.
    expect(of(ids('<loc00><loc32><loc63>'))).toBeCloseTo(0.2, 6);
  });

  it('leaves to the others what a region lacks', async () => {
    const { qualities: _, ...plain } = APPLE;
    const [row] = await wordsOf([plain]);
    const box = [...new Set(ids('<loc00><loc32><loc63>'))].reduce((sum, token) => sum + row![token]!, 0);
    expect(box).toBeCloseTo(0.25, 6);
    const [unboxed] = await wordsOf([plain], {
      tokenizer,
      processor: { prepare: reader.processor!.prepare.bind(reader.processor) } as never,
    });
    expect(total(unboxed!)).toBeCloseTo(1, 6);
    expect(unboxed![ids('<loc63>')[0]!]).toBe(0);
  });
});
