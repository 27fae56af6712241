import { describe, expect, it } from 'vitest';
import { hostTensor, Random } from '../../../src/core/index.ts';
import { chooseFraction } from '../../../src/data/fraction.ts';
import { MaskedPairs } from '../../../src/data/masked-pairs.ts';
import { Masker } from '../../../src/data/masking.ts';
import { ShapesDataset, shapeTexts } from '../../../src/data/shapes/dataset.ts';
import { create } from '../../../src/data/shapes/module.ts';
import { trainTokenizer } from '../../../src/data/tokenizer-trainer.ts';

const tokenizer = trainTokenizer(shapeTexts(), { vocabSize: 120 });
const LENGTH = 24;
const texts = tokenizer.encodeBatch(
  Array.from({ length: 400 }, () => 'the image does contain a red circle and there is no blue shape present in it'),
  LENGTH,
);
const randoms = (seed: number): Random[] => Array.from({ length: 400 }, (_, i) => new Random(seed * 1000 + i));

describe('masked words', () => {
  const masker = new Masker(tokenizer);
  const { ids, places, labels } = masker.mask(texts, randoms(1));
  const most = Masker.most(LENGTH);

  it('are 15 % of a text, hidden in 80 %, replaced in 10 % and kept in 10 % of cases', () => {
    const fates = { hidden: 0, other: 0, kept: 0 };
    const real = texts.mask.data.slice(0, LENGTH).reduce((sum, x) => sum + x, 0) - 2;
    const perText = Math.round(0.15 * real);
    for (let row = 0; row < 400; row++) {
      const chosen = labels.data.slice(row * most, (row + 1) * most).filter((label) => label >= 0n);
      expect(chosen).toHaveLength(perText);
      for (let i = 0; i < perText; i++) {
        const place = row * LENGTH + Number(places.data[row * most + i]);
        expect(texts.ids.data[place]).toBe(labels.data[row * most + i]);
        const now = Number(ids.data[place]);
        if (now === tokenizer.id('[MASK]')) fates.hidden++;
        else if (BigInt(now) === texts.ids.data[place]) fates.kept++;
        else fates.other++;
      }
    }
    const total = 400 * perText;
    // Three standard deviations of a binomial distribution; a replacement may by chance be the word itself.
    expect(Math.abs(fates.hidden / total - 0.8)).toBeLessThan(3 * Math.sqrt((0.8 * 0.2) / total));
    expect(Math.abs(fates.other / total - 0.1)).toBeLessThan(3 * Math.sqrt((0.1 * 0.9) / total) + 0.005);
  });

  it('leave all other tokens, and special ones in any case, as they are', () => {
    for (let row = 0; row < 400; row++) {
      const chosen = new Set<number>();
      for (let i = 0; i < most; i++)
        if (labels.data[row * most + i]! >= 0n) chosen.add(Number(places.data[row * most + i]));
      for (let i = 0; i < LENGTH; i++) {
        const at = row * LENGTH + i;
        if (!chosen.has(i)) expect(ids.data[at]).toBe(texts.ids.data[at]);
        else expect(Number(texts.ids.data[at])).toBeGreaterThan(4);
      }
    }
  });

  it('depend on the random numbers of the text alone', () => {
    expect(masker.mask(texts, randoms(1)).ids.data).toEqual(ids.data);
    expect(masker.mask(texts, randoms(2)).ids.data).not.toEqual(ids.data);
    const one = { ids: row(texts.ids.data, 7), mask: row(texts.mask.data, 7) };
    const first = masker.mask(
      { ids: hostTensor('int64', [1, LENGTH], one.ids), mask: hostTensor('float32', [1, LENGTH], one.mask) },
      [randoms(1)[7]!],
    );
    expect(first.ids.data).toEqual(row(ids.data, 7));
  });

  it('are at least one, even of a short text, and none of an empty one', () => {
    const short = masker.mask(tokenizer.encodeBatch(['red'], 4), [new Random(3)]);
    expect(short.labels.data.filter((label) => label >= 0n)).toHaveLength(1);
    const empty = { ids: hostTensor('int64', [1, 4]), mask: hostTensor('float32', [1, 4]) };
    expect(masker.mask(empty, [new Random(3)]).labels.data.every((label) => label === -100n)).toBe(true);
  });
});

function row<T extends Float32Array | BigInt64Array>(data: T, index: number): T {
  return data.slice(index * LENGTH, (index + 1) * LENGTH) as T;
}

describe('masked pairs of drawn shapes', () => {
  const options = { count: 50, split: 'train', size: 32, tokenizer: tokenizer.json, textLength: 16 } as const;

  it('are a pure function of the position', async () => {
    const position = { seed: 5, epoch: 2, index: 10 };
    const [a, b] = [await create(options).batch(position, 8), await create(options).batch(position, 8)];
    expect(a).toEqual(b);
    const other = await create(options).batch({ ...position, epoch: 3 }, 8);
    expect(other.tensors['masked_ids']!.data).not.toEqual(a.tensors['masked_ids']!.data);
    expect(a.tensors['masked_ids']!.shape).toEqual([8, 16]);
    expect(a.tensors['masked_labels']!.shape).toEqual([8, Masker.most(16)]);
  });

  it('say what is drawn: equal concepts have equal words of colour and shape', () => {
    const dataset = new ShapesDataset({ ...options, count: 400 });
    const { tensors, ids } = dataset.batch({ seed: 1, epoch: 0, index: 0 }, 400);
    const seen = new Map<bigint, Set<string>>();
    ids.forEach((id, i) => {
      const concept = (tensors['concept']!.data as BigInt64Array)[i]!;
      const colour = /black|blue|brown|gray|green|red|teal|yellow/.exec(id)![0];
      const shape = /circle|rectangle|triangle/.exec(id)![0];
      seen.set(concept, (seen.get(concept) ?? new Set()).add(`${colour} ${shape}`));
    });
    expect(seen.size).toBe(24);
    for (const said of seen.values()) expect(said.size).toBe(1);
  });

  it('draw the colour that is said', () => {
    const dataset = new ShapesDataset({ ...options, count: 100 });
    const { tensors, ids } = dataset.batch({ seed: 1, epoch: 0, index: 0 }, 100);
    const pixels = tensors['pixels']!.data as Float32Array;
    ids.forEach((id, i) => {
      if (!/\bred\b/.test(id)) return;
      // Somewhere the red channel is far above the two others.
      const at = (c: number, p: number): number => pixels[(i * 3 + c) * 1024 + p]!;
      expect(Array.from({ length: 1024 }, (_, p) => at(0, p) - at(1, p) - 0.5).some((x) => x > 0.8)).toBe(true);
    });
  });

  it('need a tokenizer with [MASK], and descriptions', async () => {
    const bare = { length: 1, batch: () => ({ tensors: {}, ids: ['a'] }) };
    await expect(new MaskedPairs(bare, tokenizer).batch({ seed: 0, epoch: 0, index: 0 }, 1)).rejects.toThrow(
      /nothing to hide/,
    );
  });
});

describe('a fraction', () => {
  const items = Array.from({ length: 1000 }, (_, i) => i);

  it('is of the wanted size, in order, and set by the seed', () => {
    const tenth = chooseFraction(items, { share: 0.1, seed: 3 });
    expect(tenth).toHaveLength(100);
    expect(tenth).toEqual(tenth.toSorted((a, b) => a - b));
    expect(chooseFraction(items, { share: 0.1, seed: 3 })).toEqual(tenth);
    expect(chooseFraction(items, { share: 0.1, seed: 4 })).not.toEqual(tenth);
    const half = new Set(chooseFraction(items, { share: 0.5, seed: 3 }));
    expect(tenth.every((item) => half.has(item))).toBe(true);
    expect(chooseFraction([7, 8], { share: 0.01, seed: 0 })).toHaveLength(1);
  });
});
