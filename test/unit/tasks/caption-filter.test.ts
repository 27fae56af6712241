import { describe, expect, it } from 'vitest';
import type { LoadedModel } from '../../../src/auto/index.ts';
import { picture, type Sample } from '../../../src/data/index.ts';
import { captionFit, keepBest } from '../../../src/tasks/index.ts';

/** A model to which longer texts fit better. */
const model = {
  kind: 'matcher',
  match: async (_: unknown, text: string) => ({ probability: Math.min(1, text.length / 20), cosine: 0 }),
} as unknown as LoadedModel;

function sample(pictures: number, ...answers: string[]): Sample {
  return {
    id: 'it',
    pictures: Array.from({ length: pictures }, () => ({ name: 'plain', open: () => picture(2, 2, 3) })),
    conversations: answers.map((text) => [
      { role: 'user', content: [{ type: 'text', text: 'A question that is not scored at all' }] },
      { role: 'assistant', content: [{ type: 'text', text }] },
    ]),
  };
}

describe('captionFit', () => {
  it('scores what the assistant says, and the worst of several', async () => {
    expect(await captionFit(model, sample(1, 'ten signs.'))).toBe(0.5);
    expect(await captionFit(model, sample(1, 'ten signs.', 'five.', 'more than ten'))).toBe(0.25);
  });

  it('says what it cannot score', async () => {
    await expect(captionFit(model, sample(2, 'x'))).rejects.toThrow(/has 2 pictures/);
    await expect(captionFit(model, sample(1, ' '))).rejects.toThrow(/says nothing/);
  });
});

describe('keepBest', () => {
  it('keeps the best share in the old order', () => {
    expect(keepBest([0.1, 0.9, undefined, 0.5, 0.9, Number.NaN], 0.5)).toEqual([1, 4]);
    expect(keepBest([1, 1, 1, 1], 0.5)).toEqual([0, 1]);
    expect(keepBest([3, 1, 2], 1)).toEqual([0, 1, 2]);
    expect(() => keepBest([1], 0)).toThrow(/share of 0/);
  });
});
