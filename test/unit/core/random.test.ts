import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/index.ts';

describe('weighted', () => {
  it('draws positions as often as their weights say', () => {
    const random = new Random(3);
    const weights = [1, 0, 3, 0.5, 0];
    const counts = weights.map(() => 0);
    const count = 20_000;
    for (let i = 0; i < count; i++) counts[random.weighted(weights)!]!++;
    for (const [i, weight] of weights.entries()) {
      if (weight === 0) expect(counts[i]).toBe(0);
      expect(Math.abs(counts[i]! / count - weight / 4.5)).toBeLessThan(0.015);
    }
  });

  it('takes one number, and none where nothing can be drawn', () => {
    const [random, other] = [new Random(8), new Random(8)];
    expect(random.weighted([])).toBeUndefined();
    expect(random.weighted([0, 0])).toBeUndefined();
    expect(random.state).toEqual(other.state);
    random.weighted([0.2, 0.8]);
    other.uniform();
    expect(random.state).toEqual(other.state);
  });
});
