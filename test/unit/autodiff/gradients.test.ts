import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '../../../src/autodiff/index.ts';
import { GraphError } from '../../../src/core/index.ts';
import * as g from '../../../src/graph/index.ts';
import { MultiheadAttention } from '../../../src/nn/index.ts';
import { Random } from '../../../src/core/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { compiled, evaluate, floats, run } from '../evaluate.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

const vector = (name = 'x'): g.Tensor => g.input(name, 'float32', [3]);
const X = floats([3], [1, -2, 0.5]);

describe('gradients', () => {
  it('with respect to inputs and to what lies between', async () => {
    const x = vector();
    const squared = g.mul(x, x);
    const loss = g.reduceSum(g.mul(squared, 3));
    const [dx, dSquared] = gradients(loss, [x, squared]);
    const result = await evaluate(runtime, { dx: dx!, dSquared: dSquared! }, { x: X });
    expect([...result['dx']!.data]).toEqual([6, -12, 3]);
    expect([...result['dSquared']!.data]).toEqual([3, 3, 3]);
  });

  it('with respect to a tensor that a module has named', async () => {
    const attention = new MultiheadAttention(4, 2);
    const weights = attention.initialize(new Random(5));
    const x = g.input('x', 'float32', [1, 3, 4]);
    const { result, taps } = g.trace(() => attention.forward(x, x));
    const map = taps.get('weights')!;
    expect(map.shape).toEqual([1, 2, 3, 3]);
    const [dMap] = gradients(g.reduceSum(g.mul(result, result)), [map]);
    const given = {
      ...weights,
      x: floats(
        [1, 3, 4],
        Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      ),
    };
    const read = await evaluate(runtime, { dMap: dMap!, map }, given);
    expect(read['dMap']!.shape).toEqual([1, 2, 3, 3]);
    expect(Math.max(...(read['dMap']!.data as Float32Array).map(Math.abs))).toBeGreaterThan(1e-4);
    for (let row = 0; row < 6; row++) {
      const sum = (read['map']!.data as Float32Array).slice(row * 3, row * 3 + 3).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(1, 6);
    }
  });

  it('are sums over all paths, also where a tensor is on both sides', async () => {
    const x = vector();
    const y = g.mul(x, 2);
    const loss = g.reduceSum(g.add(g.mul(y, y), g.mul(y, x)));
    const [dx] = gradients(loss, [x]);
    // 4x² + 2x² has the derivative 12x.
    expect([...(await evaluate(runtime, { dx: dx! }, { x: X }))['dx']!.data]).toEqual([12, -24, 6]);
  });

  it('are zero where nothing depends on a tensor', async () => {
    const [x, z] = [vector('x'), vector('z')];
    const [dz] = gradients(g.reduceSum(x), [z]);
    expect([...(await evaluate(runtime, { dz: dz! }, {}))['dz']!.data]).toEqual([0, 0, 0]);
  });

  it('start from a seed where the output is no scalar', async () => {
    const [x, seed] = [vector('x'), vector('seed')];
    const [dx] = gradients(g.mul(x, x), [x], seed);
    const given = { x: X, seed: floats([3], [1, 10, 100]) };
    expect([...(await evaluate(runtime, { dx: dx! }, given))['dx']!.data]).toEqual([2, -40, 100]);
    expect(() => gradients(g.mul(x, x), [x])).toThrow(GraphError);
  });

  it('do not pass stopGradient, but pass beside it', async () => {
    const x = vector();
    const loss = g.reduceSum(g.mul(g.stopGradient(x), x));
    const stopped = gradients(loss, [x])[0]!;
    expect([...(await evaluate(runtime, { dx: stopped }, { x: X }))['dx']!.data]).toEqual([1, -2, 0.5]);
    const none = gradients(g.reduceSum(g.stopGradient(g.mul(x, x))), [x])[0]!;
    expect([...(await evaluate(runtime, { dx: none }, { x: X }))['dx']!.data]).toEqual([0, 0, 0]);
  });

  it('of customGradient are what the rule says', async () => {
    const x = vector();
    // Rounding has no useful derivative; straight through, it counts as the identity.
    const rounded = g.customGradient(g.sign(x), [x], (gradient) => [gradient]);
    const [dx] = gradients(g.reduceSum(g.mul(rounded, 5)), [x]);
    const result = await evaluate(runtime, { dx: dx!, rounded }, { x: X });
    expect([...result['rounded']!.data]).toEqual([1, -1, 1]);
    expect([...result['dx']!.data]).toEqual([5, 5, 5]);
  });

  it('fail loudly where there is no rule', () => {
    const x = g.input('x', 'float32', [2, 3]);
    const [dx] = gradients(g.reduceSum(g.mul(g.softmax(x), 2)), [x]);
    expect(() => gradients(g.reduceSum(dx!), [x])).toThrow(/softmaxGradient has no gradient of its own/);
  });

  it('of adjacent slices are joined to the same values as slices apart', async () => {
    const x = g.input('x', 'float32', [2, 6]);
    const parts = [g.slice(x, 1, 0, 2), g.slice(x, 1, 2, 4), g.slice(x, 1, 4, 6), g.slice(x, 1, 1, 5)];
    const sum = parts.map((part, i) => g.reduceSum(g.mul(part, i + 1))).reduce((a, b) => g.add(a, b));
    const [dx] = gradients(sum, [x]);
    const given = { x: floats([2, 6], new Float32Array(12)) };
    expect([...(await evaluate(runtime, { dx: dx! }, given))['dx']!.data]).toEqual([
      1, 5, 6, 6, 7, 3, 1, 5, 6, 6, 7, 3,
    ]);
  });
});

describe('symbolic sizes', () => {
  it('one program serves batches and lengths that differ, gradients included', async () => {
    const x = g.input('x', 'float32', ['B', 'T', 4]);
    const weight = g.input('weight', 'float32', [3, 4]);
    const y = g.softmax(g.linear(x, weight));
    const scores = g.matmul(y, y, { transB: true });
    const doubled = g.concat([y, y], 1);
    const flat = g.reshape(y, [-1, 3]);
    const loss = g.reduceSum(g.mul(scores, scores));
    const [dx, dWeight] = gradients(loss, [x, weight]);
    const program = await compiled(runtime, { scores, doubled, flat, loss, dx: dx!, dWeight: dWeight! });
    expect(doubled.shape).toEqual(['B', '2*T', 3]);
    expect(flat.shape).toEqual(['B*T', 3]);
    const w = floats(
      [3, 4],
      Array.from({ length: 12 }, (_, i) => Math.cos(i)),
    );
    const sizes = [
      [2, 3],
      [1, 5],
      [4, 1],
    ] as const;
    for (const [batch, length] of sizes) {
      const data = floats(
        [batch, length, 4],
        Array.from({ length: batch * length * 4 }, (_, i) => Math.sin(i)),
      );
      const symbolic = await run(runtime, program, { x: data, weight: w });
      const fixed = g.input('x', 'float32', [batch, length, 4]);
      const again = g.softmax(g.linear(fixed, weight));
      const fixedScores = g.matmul(again, again, { transB: true });
      const [fx, fWeight] = gradients(g.reduceSum(g.mul(fixedScores, fixedScores)), [fixed, weight]);
      const expected = await evaluate(
        runtime,
        { scores: fixedScores, dx: fx!, dWeight: fWeight! },
        { x: data, weight: w },
      );
      expect(symbolic['doubled']!.shape).toEqual([batch, 2 * length, 3]);
      expect(symbolic['flat']!.shape).toEqual([batch * length, 3]);
      for (const name of ['scores', 'dx', 'dWeight']) {
        expect(symbolic[name]!.shape).toEqual(expected[name]!.shape);
        const [a, b] = [symbolic[name]!.data, expected[name]!.data] as [Float32Array, Float32Array];
        a.forEach((value, i) => expect(value).toBeCloseTo(b[i]!, 5));
      }
    }
  });

  it('a size that no input carries is named', () => {
    const x = g.input('x', 'float32', ['2*T']);
    expect(() => g.expand(g.reshape(x, [1, '2*T']), [3, '2*T'])).not.toThrow();
    return expect(compiled(runtime, { y: g.expand(g.reshape(x, [1, '2*T']), ['S', '2*T']) })).rejects.toThrow(
      /size 'S' cannot be read/,
    );
  });

  it('a gradient that would need them where they cannot stand says so', () => {
    const [x, y] = [g.input('x', 'float32', ['T', 2]), g.input('y', 'float32', [3, 2])];
    expect(() => gradients(g.reduceSum(g.concat([x, y], 0)), [y])).toThrow(
      /the gradient of concat needs sizes that are known/,
    );
    // In front, the fixed part is fine.
    expect(gradients(g.reduceSum(g.concat([y, x], 0)), [x, y]).map(({ shape }) => shape)).toEqual([
      ['T', 2],
      [3, 2],
    ]);
  });
});
