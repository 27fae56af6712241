import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import { constant, input } from '../../src/graph/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { lookingLoss } from '../../src/train/objectives/looking.ts';
import { checkDifferences, evaluate, numbers } from './check-gradients.ts';

const [ROWS, HEADS, LENGTH] = [2, 4, 5];
const LEAST = 1e-4;

const random = new Random(3);
/** Attention of two layers: rows that sum to one. */
const maps = (): HostTensor => {
  const data = Float32Array.from({ length: ROWS * HEADS * LENGTH ** 2 }, () => random.uniform(0.05, 1));
  for (let start = 0; start < data.length; start += LENGTH) {
    const row = data.subarray(start, start + LENGTH);
    const sum = row.reduce((a, b) => a + b);
    row.forEach((x, i) => (row[i] = x / sum));
  }
  return hostTensor('float32', [ROWS, HEADS, LENGTH, LENGTH], data);
};
const GIVEN = { last: maps(), before: maps() };
const CHOSEN = [3, 4, 8];
const MENTIONS = [2, 6];
/** Three tokens: the first says 1, with a thing in two columns, the second 0, the third no number. */
const COUNTED = [
  [0.5, 0.25, 0.25, 0, 0],
  [1, 0, 0, 0, 0],
  [0, 0, 0, 0, 0],
];
const LOOKS = [
  [0, 1, 1, 0, 0],
  [0, 0, 0, 0, 0],
  [0, 0, 1, 0, 0],
];
const ASKED = [
  [
    [0, 0, 0, 1, 0],
    [0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0],
  ],
  [
    [0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0],
    [0, 0, 0, 0, 0],
  ],
];
const MENTIONED = [
  [0, 1, 1, 1, 1],
  [0, 0, 0, 0, 0],
];
const table = (shape: readonly number[], data: readonly number[]): HostTensor =>
  hostTensor('float32', shape, Float32Array.from(data));
const places = (data: readonly number[]): HostTensor =>
  hostTensor('int64', [data.length], BigInt64Array.from(data, BigInt));

/** The loss of graphs in which attention is an input. */
const build = (given: Readonly<Record<string, ReturnType<typeof input>>>): ReturnType<typeof input> =>
  lookingLoss(
    new Map([
      ['layers.0.self_attn.weights', given['before']!],
      ['layers.1.self_attn.weights', given['last']!],
    ]),
    {
      chosen: constant(places(CHOSEN)),
      looks: constant(table([3, LENGTH], LOOKS.flat())),
      counted: constant(table([3, LENGTH], COUNTED.flat())),
      asked: constant(table([2, 3, LENGTH], ASKED.flat(2))),
      mentions: constant(places(MENTIONS)),
      mentioned: constant(table([2, LENGTH], MENTIONED.flat())),
    },
  ).loss;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(async () => {
  await runtime.dispose();
});

describe('looking', () => {
  it('is what its heads miss, and how far the one that counts is from equal shares', async () => {
    const rowOf = (layer: HostTensor, head: number, token: number): number[] => {
      const row = (Math.floor(token / LENGTH) * HEADS + head) * LENGTH + (token % LENGTH);
      return numbers(layer).slice(row * LENGTH, (row + 1) * LENGTH);
    };
    const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b) / xs.length;
    const missed = (layer: HostTensor, head: number, tokens: readonly number[], truth: readonly number[][]): number =>
      mean(
        tokens.flatMap((token, i) =>
          truth[i]!.includes(1) ? [-Math.log(dot(rowOf(layer, head, token), truth[i]!) + LEAST)] : [],
        ),
      );
    const apart = [0, 1].map((i) => {
      const logarithms = rowOf(GIVEN.last, 3, CHOSEN[i]!).map(
        (share, j) => Math.log(COUNTED[i]![j]! + LEAST) - Math.log(share + LEAST),
      );
      return dot(COUNTED[i]!, logarithms);
    });
    const wanted =
      missed(GIVEN.last, 0, CHOSEN, LOOKS) +
      missed(GIVEN.last, 1, CHOSEN, ASKED[0]!) +
      missed(GIVEN.last, 2, CHOSEN, ASKED[1]!) +
      missed(GIVEN.before, 0, MENTIONS, MENTIONED) +
      mean(apart);
    const named = Object.fromEntries(
      Object.entries(GIVEN).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
    );
    const { loss } = await evaluate(runtime, { loss: build(named) }, GIVEN);
    expect(numbers(loss!)[0]).toBeCloseTo(wanted, 5);
  });

  it('has the slopes of central differences', async () => {
    await checkDifferences(runtime, build, GIVEN, 'float32');
  });
});
