import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients, rematerialise } from '../../../src/autodiff/index.ts';
import { Random } from '../../../src/core/index.ts';
import * as g from '../../../src/graph/index.ts';
import { TransformerBlock } from '../../../src/models/common/transformer.ts';
import { inTraining, Module } from '../../../src/nn/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { evaluate, floats } from '../evaluate.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

class Stack extends Module {
  readonly blocks: readonly TransformerBlock[] = [0, 1, 2].map(
    () => new TransformerBlock({ width: 8, heads: 2, layers: 1, dropout: 0.2 }),
  );

  forward(x: g.Tensor, again: boolean): g.Tensor {
    return this.blocks.reduce(
      (state, block) => (again ? rematerialise((inner) => block.forward(inner), state) : block.forward(state)),
      x,
    );
  }
}

function outputs(again: boolean): { tensors: Record<string, g.Tensor>; weights: ReturnType<Stack['initialize']> } {
  const stack = new Stack();
  const weights = stack.initialize(new Random(9));
  const x = g.input('x', 'float32', [2, 5, 8]);
  const seed = g.input('seed', 'int32', []);
  const y = inTraining(seed, () => stack.forward(x, again));
  const parameters = [...stack.parameters()];
  const loss = g.reduceSum(g.mul(y, y));
  const found = gradients(loss, [x, ...parameters.map(([, parameter]) => parameter.tensor)]);
  const tensors: Record<string, g.Tensor> = { loss, 'd:x': found[0]! };
  parameters.forEach(([path], i) => (tensors[`d:${path}`] = found[i + 1]!));
  return { tensors, weights };
}

describe('rematerialise', () => {
  it('gives the same loss and the same gradients bit for bit, dropout included', async () => {
    const given = {
      x: floats(
        [2, 5, 8],
        Array.from({ length: 80 }, (_, i) => Math.sin(i)),
      ),
      seed: { dtype: 'int32', shape: [], data: Int32Array.of(77) } as const,
    };
    const [kept, again] = [outputs(false), outputs(true)];
    const expected = await evaluate(runtime, kept.tensors, { ...kept.weights, ...given });
    const result = await evaluate(runtime, again.tensors, { ...again.weights, ...given });
    expect(Object.keys(result)).toEqual(Object.keys(expected));
    for (const [name, tensor] of Object.entries(expected)) expect(result[name]!.data, name).toEqual(tensor.data);
  });

  it('computes the block a second time, behind barriers', () => {
    const count = (again: boolean, op: string): number =>
      g.reachableNodes(Object.values(outputs(again).tensors)).filter((node) => node.op === op).length;
    expect(count(false, 'barrier')).toBe(0);
    expect(count(true, 'barrier')).toBe(3);
    expect(count(true, 'softmax')).toBe(2 * count(false, 'softmax'));
  });

  it('blocks do not nest', async () => {
    const x = g.input('x', 'float32', [4]);
    const y = rematerialise((a) => g.exp(rematerialise((b) => g.sin(b), a)), x);
    const [dx] = gradients(g.reduceSum(y), [x]);
    const result = await evaluate(runtime, { dx: dx! }, { x: floats([4], [0, 0.5, 1, 2]) });
    [0, 0.5, 1, 2].forEach((v, i) => expect(result['dx']!.data[i]).toBeCloseTo(Math.exp(Math.sin(v)) * Math.cos(v), 5));
  });
});
