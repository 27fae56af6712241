import { describe, expect, it } from 'vitest';

import { asDatasetModule, sampleRandom, shuffledOrder } from '../../../src/data/dataset.ts';

describe('shuffledOrder', () => {
  it('is a permutation that depends on seed and pass', () => {
    const order = [...shuffledOrder(1000, 3, 1)];
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...shuffledOrder(1000, 3, 2)]).not.toEqual(order);
    expect([...shuffledOrder(1000, 4, 1)]).not.toEqual(order);
    expect([...shuffledOrder(1000, 3, 1)]).toEqual(order);
  });
});

describe('sampleRandom', () => {
  it('differs between neighbours and repeats itself', () => {
    const first = new Set<number>();
    for (let seed = 0; seed < 10; seed++)
      for (let epoch = 0; epoch < 10; epoch++)
        for (let index = 0; index < 100; index++) first.add(sampleRandom(seed, epoch, index).uint32());
    expect(first.size).toBeGreaterThan(9_990);
    expect(sampleRandom(1, 2, 3).uint32()).toBe(sampleRandom(1, 2, 3).uint32());
  });
});

describe('asDatasetModule', () => {
  it('wants create', () => {
    expect(() => asDatasetModule({ prepare: () => undefined }, 'mine.js')).toThrow(/mine\.js is not a dataset module/);
  });
});
