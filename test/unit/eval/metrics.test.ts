import { describe, expect, it } from 'vitest';
import { DataError } from '../../../src/core/errors.ts';
import { Random } from '../../../src/core/random.ts';
import {
  accuracy,
  balancedAccuracy,
  balancedAccuracyInterval,
  bestThreshold,
  confusionMatrix,
  rocAuc,
  wilsonInterval,
} from '../../../src/eval/metrics.ts';

describe('accuracy and balancedAccuracy', () => {
  it('agree with hand counts', () => {
    expect(accuracy([1, 0, 1, 1], [1, 0, 0, 1])).toBe(0.75);
    // Recalls: 1 of 2 zeros, 2 of 2 ones.
    expect(balancedAccuracy([1, 0, 1, 1], [1, 0, 0, 1])).toBe(0.75);
    // 8 of 10 right by always saying 0, which balanced accuracy does not reward.
    const truth = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
    expect(accuracy(Array(10).fill(0), truth)).toBe(0.8);
    expect(balancedAccuracy(Array(10).fill(0), truth)).toBe(0.5);
    // Three classes: recalls 1, 0.5, 0.
    expect(balancedAccuracy([0, 1, 2, 1], [0, 1, 1, 2])).toBe(0.5);
    expect(balancedAccuracy([3], [3])).toBe(1);
  });
  it('refuse nothing and lists that do not fit', () => {
    for (const figure of [accuracy, balancedAccuracy]) {
      expect(() => figure([], [])).toThrow(DataError);
      expect(() => figure([1], [1, 0])).toThrow(DataError);
    }
  });
});

describe('confusionMatrix', () => {
  it('has the truth in rows', () => {
    expect(confusionMatrix([0, 1, 1, 1, 0], [0, 0, 1, 1, 1], 2)).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });
  it.each([
    [[2], [0]],
    [[0], [-1]],
    [[0.5], [0]],
    [[Number.NaN], [0]],
    [[], []],
  ])('refuses %j against %j', (predicted, truth) => {
    expect(() => confusionMatrix(predicted, truth, 2)).toThrow(DataError);
  });
});

describe('wilsonInterval', () => {
  it('agrees with values worked out by hand', () => {
    // k = 8, n = 10: centre (0.8 + 0.19207) / 1.38415 = 0.71674, half 1.95996 √(0.016 + 0.0096036) / 1.38415 = 0.22658.
    const { low, high } = wilsonInterval(8, 10);
    expect(low).toBeCloseTo(0.49016, 4);
    expect(high).toBeCloseTo(0.94332, 4);
    // With no success the upper end is z² / (n + z²).
    expect(wilsonInterval(0, 20)).toEqual({ low: 0, high: expect.closeTo(3.841459 / 23.841459, 6) });
    expect(wilsonInterval(20, 20)).toEqual({ low: expect.closeTo(20 / 23.841459, 6), high: 1 });
  });
  it('is symmetric', () => {
    const a = wilsonInterval(3, 17);
    const b = wilsonInterval(14, 17);
    expect(a.low).toBeCloseTo(1 - b.high, 12);
  });
  it.each([
    [0, 0],
    [3, 2],
    [-1, 2],
    [1.5, 2],
    [Number.NaN, 2],
  ])('refuses %d of %d', (successes, trials) => expect(() => wilsonInterval(successes, trials)).toThrow(DataError));
  it('covers about 95 % of the time', () => {
    const random = new Random(7);
    let covered = 0;
    for (let i = 0; i < 2000; i++) {
      let successes = 0;
      for (let j = 0; j < 60; j++) if (random.uniform() < 0.8) successes++;
      const { low, high } = wilsonInterval(successes, 60);
      if (low <= 0.8 && 0.8 <= high) covered++;
    }
    expect(covered / 2000).toBeGreaterThan(0.93);
    expect(covered / 2000).toBeLessThan(0.975);
  });
});

describe('balancedAccuracyInterval', () => {
  it('of one class is that of Wilson', () => {
    const one = balancedAccuracyInterval([{ right: 8, total: 10 }]);
    expect(one.low).toBeCloseTo(wilsonInterval(8, 10).low, 12);
    expect(one.high).toBeCloseTo(wilsonInterval(8, 10).high, 12);
  });
  it('of two equal classes is narrower by √2', () => {
    const wilson = wilsonInterval(8, 10);
    const two = balancedAccuracyInterval([
      { right: 8, total: 10 },
      { right: 8, total: 10 },
    ]);
    expect(0.8 - two.low).toBeCloseTo((0.8 - wilson.low) / Math.SQRT2, 12);
    expect(two.high - 0.8).toBeCloseTo((wilson.high - 0.8) / Math.SQRT2, 12);
  });
  it('refuses no classes', () => expect(() => balancedAccuracyInterval([])).toThrow(DataError));
});

/** Area by its definition: all pairs. */
function pairwise(scores: number[], labels: number[]): number {
  let sum = 0;
  let pairs = 0;
  for (let i = 0; i < scores.length; i++) {
    for (let j = 0; j < scores.length; j++) {
      if (labels[i] !== 1 || labels[j] !== 0) continue;
      pairs++;
      sum += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
    }
  }
  return sum / pairs;
}

describe('rocAuc', () => {
  it('knows the plain cases', () => {
    expect(rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75);
    expect(rocAuc([0, 1], [0, 1])).toBe(1);
    expect(rocAuc([1, 0], [0, 1])).toBe(0);
    expect(rocAuc([3, 3, 3], [0, 1, 0])).toBe(0.5);
  });
  it('equals the share of pairs, with ties', () => {
    const random = new Random(3);
    for (let round = 0; round < 30; round++) {
      const labels = [0, 1, ...Array.from({ length: 40 }, () => random.integer(2))];
      const scores = labels.map((label) => random.integer(8) + label);
      expect(rocAuc(scores, labels)).toBeCloseTo(pairwise(scores, labels), 12);
    }
  });
  it.each([
    [[], []],
    [[1], [1]],
    [
      [1, 2],
      [0, 0],
    ],
    [
      [1, Number.NaN],
      [0, 1],
    ],
    [
      [1, 2],
      [0, 2],
    ],
    [
      [1, 2, 3],
      [0, 1],
    ],
  ])('refuses %j with labels %j', (scores, labels) => {
    expect(() => rocAuc(scores, labels)).toThrow(DataError);
    expect(() => bestThreshold(scores, labels)).toThrow(DataError);
  });
});

describe('bestThreshold', () => {
  it('lies midway between the classes where they part', () => {
    expect(bestThreshold([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])).toEqual({ threshold: 0.5, balancedAccuracy: 1 });
  });
  it('takes the widest gap among equals', () => {
    // After 1 and after 6: (1 + 1/2) / 2 = 0.75 both; the gap 6 … 9 is 3, the gap 1 … 5 is 4.
    expect(bestThreshold([1, 5, 6, 9], [0, 1, 0, 1])).toEqual({ threshold: 3, balancedAccuracy: 0.75 });
  });
  it('says one class for all where scores are worthless', () => {
    const found = bestThreshold([1, 2], [1, 0]);
    expect(found.balancedAccuracy).toBe(0.5);
    expect(bestThreshold([4, 4], [1, 0])).toEqual({ threshold: 4, balancedAccuracy: 0.5 });
  });
  it('reaches what it says, and no threshold reaches more', () => {
    const random = new Random(5);
    for (let round = 0; round < 30; round++) {
      const labels = [0, 1, ...Array.from({ length: 30 }, () => random.integer(2))];
      const scores = labels.map((label) => random.integer(6) + label * 2);
      const { threshold, balancedAccuracy: said } = bestThreshold(scores, labels);
      const at = (cut: number): number =>
        balancedAccuracy(
          scores.map((score) => (score >= cut ? 1 : 0)),
          labels,
        );
      expect(at(threshold)).toBeCloseTo(said, 12);
      for (const score of scores) expect(at(score)).toBeLessThanOrEqual(said + 1e-12);
    }
  });
  it('tells neighbouring floats apart', () => {
    const next = 1 + Number.EPSILON;
    const { threshold } = bestThreshold([1, next], [0, 1]);
    expect(threshold).toBe(next);
  });
});
