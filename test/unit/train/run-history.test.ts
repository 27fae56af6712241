import { describe, expect, it } from 'vitest';
import type { MetricsRecord } from '../../../src/train/metrics.ts';
import { Curve, RunHistory } from '../../../src/train/run-history.ts';

describe('Curve', () => {
  it('keeps all points while they are few', () => {
    const curve = new Curve(8);
    for (let x = 0; x < 7; x++) curve.add(x, 2 * x);
    expect(curve.points).toEqual(Array.from({ length: 7 }, (_, x) => [x, 2 * x]));
  });

  it('stays bounded, and its points are means up to their x', () => {
    const curve = new Curve(64);
    for (let x = 1; x <= 100_000; x++) curve.add(x, x);
    expect(curve.points.length).toBeLessThan(64);
    expect(curve.points.length).toBeGreaterThanOrEqual(32);
    let before = 0;
    for (const [x, y] of curve.points) {
      expect(y).toBe((before + 1 + x) / 2);
      before = x;
    }
    expect(before).toBeGreaterThan(97_000);
  });
});

function trained(step: number, loss: number): MetricsRecord {
  const { learningRate, gradientNorm } = { learningRate: 0.1, gradientNorm: 1 };
  return {
    kind: 'train',
    step,
    seconds: step,
    loss,
    parts: { match: loss / 2 },
    learningRate,
    gradientNorm,
    samplesPerSecond: 3,
  };
}

describe('RunHistory', () => {
  it('knows curves, the latest step and the best of each figure', () => {
    const history = new RunHistory();
    for (const [step, loss] of [3, 2, 1].entries()) history.observe(trained(step, loss));
    for (const [step, f1] of [0.1, 0.5, Number.NaN, 0.3].entries())
      history.observe({ kind: 'validation', step, seconds: 1, values: { f1 } });
    expect(history.last).toMatchObject({ step: 2, loss: 1 });
    expect(history.training('loss')).toEqual([
      [0, 3],
      [1, 2],
      [2, 1],
    ]);
    expect(history.parts.get('match')).toHaveLength(3);
    expect(history.validation.get('f1')).toHaveLength(4);
    expect(history.extremes('f1')).toEqual({ least: [0, 0.1], greatest: [1, 0.5] });
    expect(history.extremes('loss')).toBeUndefined();
  });

  it('keeps the first and the latest answers to each of a few questions', () => {
    const history = new RunHistory();
    for (let step = 0; step < 18; step++) {
      const samples = Array.from({ length: 40 }, (_, i) => ({
        question: `q${i}`,
        generated: `at ${Math.floor(step / 2)}`,
      }));
      history.observe({ kind: 'samples', step, seconds: 1, samples });
    }
    expect(history.questions).toHaveLength(24);
    expect(history.questions[23]).toMatchObject({ question: 'q23', expected: undefined });
    expect(history.questions[0]!.answers).toEqual(
      [0, 5, 6, 7, 8].map((half) => ({ from: 2 * half, to: 2 * half + 1, text: `at ${half}` })),
    );
  });
});
