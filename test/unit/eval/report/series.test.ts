import { describe, expect, it } from 'vitest';
import { formatTick, linearScale, logScale } from '../../../../src/eval/report/scale.ts';
import { finiteRuns, movingAverage, thin, type Point } from '../../../../src/eval/report/series.ts';

const points = (ys: number[]): Point[] => ys.map((y, x) => [x, y]);

describe('series', () => {
  it('are cut at gaps', () => {
    expect(finiteRuns(points([1, 2, Number.NaN, 3, Infinity]))).toEqual([
      [
        [0, 1],
        [1, 2],
      ],
      [[3, 3]],
    ]);
    expect(finiteRuns([])).toEqual([]);
  });
  it('keep their peaks when thinned', () => {
    const list = points(Array.from({ length: 10_000 }, (_, i) => (i === 5003 ? 99 : i === 7001 ? -99 : i % 7)));
    const thinned = thin(list, 400);
    expect(thinned.length).toBeLessThanOrEqual(400);
    expect(thinned).toContainEqual([5003, 99]);
    expect(thinned).toContainEqual([7001, -99]);
    expect(thinned[0]).toEqual(list[0]);
    expect(thinned.at(-1)).toEqual(list.at(-1));
    expect(thinned.map(([x]) => x)).toEqual(thinned.map(([x]) => x).toSorted((a, b) => a - b));
    expect(thin(list.slice(0, 10), 400)).toHaveLength(10);
  });
  it('are averaged over neighbours, gaps left out', () => {
    expect(movingAverage(points([1, 2, 3, 4, 9]), 1).map(([, y]) => y)).toEqual([1.5, 2, 3, 16 / 3, 6.5]);
    expect(movingAverage(points([1, Number.NaN, 5]), 1).map(([, y]) => y)).toEqual([1, Number.NaN, 5]);
  });
});

describe('linearScale', () => {
  it('ends at round values', () => {
    const scale = linearScale(0.13, 0.94, 5);
    expect(scale.ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(scale.place(0.5)).toBeCloseTo(0.5, 12);
  });
  it('or at the values given', () => {
    const scale = linearScale(1, 900, 5, true);
    expect(scale.ticks).toEqual([200, 400, 600, 800]);
    expect([scale.place(1), scale.place(900)]).toEqual([0, 1]);
  });
  it('has room around a single value', () => {
    expect(linearScale(3, 3, 5).place(3)).toBeCloseTo(0.5, 1);
    expect(linearScale(0, 0, 5).place(0)).toBeCloseTo(0.5, 6);
  });
});

it('logScale has few ticks over any range', () => {
  expect(logScale(0.15, 6).ticks).toEqual([0.2, 0.5, 1, 2, 5]);
  expect(logScale(1e-9, 1e5).ticks.length).toBeLessThan(9);
  expect(logScale(2, 2).place(2)).toBeCloseTo(0.5, 12);
});

it.each([
  [0, false, 1, '0'],
  [0.25, false, 1, '0.25'],
  [0.25, true, 1, '25%'],
  [1500, false, 2000, '1.5k'],
  [2_500_000, false, 3e6, '2.5M'],
  [0.0002, false, 0.001, '2e-4'],
  [0.005, false, 0.02, '0.005'],
  [-0.5, false, 0.5, '-0.5'],
])('formatTick(%d)', (value, percent, largest, text) => expect(formatTick(value, percent, largest)).toBe(text));
