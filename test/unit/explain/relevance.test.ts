import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  headRelevance,
  normalizedRelevance,
  rowThroughRollout,
  rowThroughSelfAttention,
  throughCrossAttention,
  throughSelfAttention,
} from '../../../src/explain/graphs/relevance.ts';
import { fromNumbers, type Tensor } from '../../../src/graph/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { evaluate } from '../evaluate.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

/** Numbers of the cases have two digits, products of three of them six. */
async function numbers(tensor: Tensor): Promise<number[]> {
  const { result } = await evaluate(runtime, { result: tensor }, {});
  return Array.from(result!.data as Float32Array, (value) => Math.round(value * 1e6) / 1e6);
}

const square = (...values: number[]): Tensor => fromNumbers([2, 2], values);

// Worked by hand from the paper's equations.
describe('rules of relevance', () => {
  it('5: keeps what speaks for the output, and takes the mean over heads', async () => {
    const map = fromNumbers([1, 2, 1, 2], [0.7, 0.3, 0.4, 0.6]);
    const gradient = fromNumbers([1, 2, 1, 2], [1, -2, 3, 0.5]);
    expect(await numbers(headRelevance(map, gradient))).toEqual([0.95, 0.15]);
  });

  it('6: two layers of self-attention, and the same for the last row alone', async () => {
    const [first, second] = [square(0.5, 0, 0.2, 0.3), square(0.1, 0, 0.4, 0.6)];
    const all = throughSelfAttention(second, throughSelfAttention(first, square(1, 0, 0, 1)));
    expect(await numbers(all)).toEqual([1.65, 0, 0.92, 2.08]);
    const row = rowThroughSelfAttention(rowThroughSelfAttention(fromNumbers([1, 2], [0, 1]), second), first);
    expect(await numbers(row)).toEqual([0.92, 2.08]);
  });

  it('8 and 9: rows that gathered something are brought to one, others stay', async () => {
    expect(await numbers(normalizedRelevance(square(1.5, 0, 0.2, 1.3)))).toEqual([2, 0, 0.4, 1.6]);
    expect(await numbers(normalizedRelevance(square(1, 0, 0, 1)))).toEqual([1, 0, 0, 1]);
  });

  it('10 and 11: attention to another stream', async () => {
    const streams = {
      within: square(1.5, 0, 0.2, 1.3),
      withinOther: square(1, 1, 0, 2),
      across: square(0, 0, 0, 0),
    };
    const attention = square(0.5, 0.1, 0, 0.2);
    const { across, within } = throughCrossAttention(attention, { ...streams, back: square(0.5, 0, 1, 1) });
    expect(await numbers(across)).toEqual([1, 1.56, 0, 0.64]);
    expect(await numbers(within)).toEqual([1.85, 0.1, 0.4, 1.5]);
    expect(throughCrossAttention(attention, streams).within).toBe(streams.within);
  });

  it('rollout: half of what is attended to and half of the token itself', async () => {
    const map = fromNumbers([1, 1, 2, 2], [1, 0, 0.25, 0.75]);
    expect(await numbers(rowThroughRollout(fromNumbers([1, 2], [0, 1]), map))).toEqual([0.125, 0.875]);
  });
});
