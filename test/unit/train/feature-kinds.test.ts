import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { gradients } from '../../../src/autodiff/index.ts';
import { hostTensor, type HostTensor, Random } from '../../../src/core/index.ts';
import { input } from '../../../src/graph/index.ts';
import { lower } from '../../../src/onnx/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { runOnce } from '../../../src/runtime/run-once.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { FeatureKinds } from '../../../src/train/objectives/feature-kinds.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

const [COUNT, WIDTH, CLASSES] = [6, 4, 3];
const LABELS = [1, -100, 0, 2, -100, 1];
const random = new Random(5);
const draw = (...shape: number[]): HostTensor<'float32'> =>
  hostTensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.uniform(-1, 1)),
  );
const given: Record<string, HostTensor> = {
  features: draw(COUNT, WIDTH),
  labels: hostTensor('int64', [COUNT], BigInt64Array.from(LABELS, BigInt)),
  'norm.weight': draw(WIDTH),
  'norm.bias': draw(WIDTH),
  'layer.weight': draw(CLASSES, WIDTH),
  'layer.bias': draw(CLASSES),
};

/** The same by hand. */
function expected(features: ArrayLike<number>): { loss: number; accuracy: number } {
  const value = (name: string, at: number): number => Number(given[name]!.data[at]);
  let [loss, right, count] = [0, 0, 0];
  for (const [at, label] of LABELS.entries()) {
    if (label < 0) continue;
    const x = Array.from({ length: WIDTH }, (_, d) => features[at * WIDTH + d]!);
    const mean = x.reduce((a, b) => a + b) / WIDTH;
    const deviation = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / WIDTH + 1e-5);
    const normed = x.map((v, d) => ((v - mean) / deviation) * value('norm.weight', d) + value('norm.bias', d));
    const logits = Array.from({ length: CLASSES }, (_, c) =>
      normed.reduce((sum, v, d) => sum + v * value('layer.weight', c * WIDTH + d), value('layer.bias', c)),
    );
    loss += Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - logits[label]!;
    right += Number(logits[label] === Math.max(...logits));
    count++;
  }
  return { loss: loss / count, accuracy: right / count };
}

describe('kinds of features', () => {
  it('are told by those that show some, with the slopes of that', async () => {
    const kinds = new FeatureKinds(WIDTH, CLASSES);
    kinds.parameters();
    const features = input('features', 'float32', [COUNT, WIDTH]);
    const { loss, accuracy } = kinds.loss(features, input('labels', 'int64', [COUNT]));
    const [slope] = gradients(loss, [features]);
    const program = await runtime.compile(lower({ loss, accuracy, slope: slope! }));
    const out = await runOnce(runtime, program, given);
    const values = Array.from(given['features']!.data as Float32Array);
    const right = expected(values);
    expect(Number(out['loss']!.data[0])).toBeCloseTo(right.loss, 5);
    expect(Number(out['accuracy']!.data[0])).toBeCloseTo(right.accuracy, 6);
    for (const [i, found] of [...(out['slope']!.data as Float32Array)].entries()) {
      const moved = (by: number): number => expected(values.with(i, values[i]! + by)).loss;
      // Central differences of float64: their own error is some 1e-9.
      expect(found).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 5);
    }
  });
});
