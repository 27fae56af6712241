import { describe, expect, it } from 'vitest';
import { LossWatch } from '../../../src/train/loss-watch.ts';

function watched(losses: readonly number[], watch: LossWatch = new LossWatch()): string[] {
  return losses.map((loss) => watch.observe(loss, true));
}

describe('LossWatch', () => {
  it('is patient with single outliers and stops a row of them', () => {
    const watch = new LossWatch();
    watched(
      Array.from({ length: 30 }, () => 1),
      watch,
    );
    expect(watched([50, 50, 1, 50, 50, 50, 50, 50], watch)).toEqual([
      'suspicious', 'suspicious', 'fine', 'suspicious', 'suspicious', 'suspicious', 'suspicious', 'exploded',
    ]); // prettier-ignore
    expect(watch.median).toBe(1);
  });

  it('leaves a nearly solved task alone whose tiny losses jump', () => {
    const losses = [
      ...Array.from({ length: 20 }, () => 2.5),
      ...Array.from({ length: 200 }, () => 0.001),
      0.5,
      0.5,
      0.5,
      0.5,
      0.5,
      0.5,
    ];
    expect(new Set(watched(losses))).toEqual(new Set(['fine']));
  });

  it('suspects nothing during warm-up', () => {
    const watch = new LossWatch();
    watched(
      Array.from({ length: 30 }, () => 1),
      watch,
    );
    expect(watch.observe(1e6, false)).toBe('fine');
  });

  it('goes on from a saved state', () => {
    const losses = Array.from({ length: 150 }, (_, i) => 3 / (1 + i));
    const watch = new LossWatch();
    watched(losses.slice(0, 70), watch);
    const restored = new LossWatch({ state: structuredClone(watch.state) });
    expect(watched([...losses.slice(70), 99], restored)).toEqual(watched([...losses.slice(70), 99], watch));
    expect(restored.state).toEqual(watch.state);
  });
});
