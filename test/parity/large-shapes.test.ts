import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import * as g from '../../src/graph/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { type Build, distance, evaluate, numbers } from './check-gradients.ts';

// The fixtures are small. Here kernels work in blocks and on two threads, in float32 and, as the reference, in float64,
// which is lowered to other operators too (no fused kernels, no sums by products).
let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 2, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

const random = new Random(12);

function draw(...shape: number[]): HostTensor {
  const tensor = hostTensor('float32', shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = random.normal();
  return tensor;
}

function indices(bound: number, ...shape: number[]): HostTensor {
  const tensor = hostTensor('int64', shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = BigInt(random.integer(bound));
  return tensor;
}

async function results(build: Build, given: Readonly<Record<string, HostTensor>>, dtype: 'float32' | 'float64') {
  const typed = Object.fromEntries(
    Object.entries(given).map(([name, tensor]) => [
      name,
      tensor.dtype === 'float32' && dtype === 'float64'
        ? hostTensor('float64', tensor.shape, Float64Array.from(numbers(tensor)))
        : tensor,
    ]),
  );
  const inputs = Object.fromEntries(
    Object.entries(typed).map(([name, tensor]) => [name, g.input(name, tensor.dtype, tensor.shape)]),
  );
  const y = build(inputs) as g.Tensor;
  const wanted = Object.keys(typed).filter((name) => typed[name]!.dtype === dtype);
  // Not all gradients alike: each element counts by its own value.
  const objective = g.reduceSum(g.mul(y, g.sin(y)));
  const found = gradients(
    objective,
    wanted.map((name) => inputs[name]!),
  );
  return await evaluate(
    runtime,
    { y, ...Object.fromEntries(wanted.map((name, i) => [`d:${name}`, found[i]!])) },
    typed,
  );
}

describe('large shapes on two threads: float32 equals float64', () => {
  it.each<[string, Build, Record<string, HostTensor>]>([
    ['sums over the first axis', ({ x }) => g.reduceSum(x!, 0), { x: draw(301, 130) }],
    ['sums over the first two axes', ({ x }) => g.reduceSum(x!, [0, 1]), { x: draw(37, 41, 130) }],
    ['sums over the last axis', ({ x }) => g.reduceSum(x!, -1), { x: draw(301, 1025) }],
    ['sums over the middle axis', ({ x }) => g.reduceSum(x!, 1), { x: draw(37, 41, 130) }],
    ['maxima', ({ x }) => g.reduceMax(x!, -1), { x: draw(65, 1000) }],
    ['softmax', ({ x }) => g.softmax(x!), { x: draw(65, 1000) }],
    ['log-softmax', ({ x }) => g.logSoftmax(x!), { x: draw(65, 1000) }],
    ['layer norm', ({ x, s, b }) => g.layerNorm(x!, s!, b!), { x: draw(4, 65, 770), s: draw(770), b: draw(770) }],
    ['rms norm', ({ x, s }) => g.rmsNorm(x!, s!), { x: draw(4, 65, 770), s: draw(770) }],
    ['linear', ({ x, w, b }) => g.linear(x!, w!, b!), { x: draw(3, 70, 130), w: draw(257, 130), b: draw(257) }],
    [
      'matmul',
      ({ a, b }) => g.matmul(a!, b!, { transB: true, alpha: 0.125 }),
      { a: draw(2, 3, 65, 70), b: draw(2, 3, 33, 70) },
    ],
    ['tanh-gelu', ({ x }) => g.gelu(x!, 'tanh'), { x: draw(64, 1025) }],
    ['silu', ({ x }) => g.silu(x!), { x: draw(64, 1025) }],
    // Each row of the table is picked about 300 times, by both threads.
    ['an embedding', ({ table, ids }) => g.gather(table!, ids!), { table: draw(11, 33), ids: indices(11, 8, 420) }],
    ['added rows', ({ ids, u }) => g.scatterAddRows(ids!, u!, 11), { ids: indices(11, 3000), u: draw(3000, 33) }],
    ['cross-entropy', ({ x, l }) => g.crossEntropy(x!, l!), { x: draw(300, 1000), l: indices(1000, 300) }],
    ['a broadcast product', ({ x, z }) => g.mul(x!, z!), { x: draw(65, 1, 300), z: draw(33, 1) }],
    ['slices side by side', ({ x }) => g.mul(g.slice(x!, 2, 0, 64), g.slice(x!, 2, 64, 128)), { x: draw(8, 65, 128) }],
  ])('%s', async (_, build, given) => {
    const [single, double] = [await results(build, given, 'float32'), await results(build, given, 'float64')];
    for (const [name, expected] of Object.entries(double))
      expect(distance(single[name]!, expected), name).toBeLessThan(1e-4);
  });
});
