import { describe, expect, it } from 'vitest';

import { neighbourOrder } from '../../../../src/data/emoji/neighbours.ts';

describe('neighbourOrder', () => {
  const groups = Array.from({ length: 100 }, (_, i) => `group ${i % 7}`);

  it('is a permutation, the same one each time and another one in each pass', () => {
    const order = neighbourOrder(groups, 4, 1, 0);
    expect([...order].toSorted((a, b) => a - b)).toEqual(groups.map((_, i) => i));
    expect(neighbourOrder(groups, 4, 1, 0)).toEqual(order);
    expect(neighbourOrder(groups, 4, 1, 1)).not.toEqual(order);
    expect(neighbourOrder(groups, 4, 2, 0)).not.toEqual(order);
  });

  it('puts samples of one group side by side', () => {
    const order = neighbourOrder(groups, 4, 1, 0);
    const changes = [...order].filter((item, i) => i > 0 && groups[item] !== groups[order[i - 1]!]).length;
    // 100 samples of 7 groups make 28 runs (14 or 15 of a group: three full ones and a rest).
    expect(changes).toBeLessThanOrEqual(27);
  });
});
