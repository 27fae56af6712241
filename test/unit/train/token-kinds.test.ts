import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { gradients } from '../../../src/autodiff/index.ts';
import { hostTensor, type HostTensor, Random } from '../../../src/core/index.ts';
import { input, type Tensor } from '../../../src/graph/index.ts';
import { lower } from '../../../src/onnx/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { runOnce } from '../../../src/runtime/run-once.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { readByLastLayer, TokenKinds } from '../../../src/train/objectives/token-kinds.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

const [ROWS, TOKENS, WIDTH, CLASSES] = [2, 3, 4, 3];
const LABELS = [1, -100, 0, 2, -100, 1];
const random = new Random(5);
const draw = (...shape: number[]): HostTensor<'float32'> =>
  hostTensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.uniform(-1, 1)),
  );
const given: Record<string, HostTensor> = {
  state: draw(ROWS, TOKENS, WIDTH),
  labels: hostTensor('int64', [ROWS, TOKENS], BigInt64Array.from(LABELS, BigInt)),
  'norm.weight': draw(WIDTH),
  'norm.bias': draw(WIDTH),
  'layer.weight': draw(CLASSES, WIDTH),
  'layer.bias': draw(CLASSES),
};

/** The same by hand. */
function expected(states: ArrayLike<number>): { loss: number; accuracy: number } {
  const value = (name: string, at: number): number => Number(given[name]!.data[at]);
  let [loss, right, count] = [0, 0, 0];
  for (const [token, label] of LABELS.entries()) {
    if (label < 0) continue;
    const x = Array.from({ length: WIDTH }, (_, d) => states[token * WIDTH + d]!);
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

function trace(): { loss: Tensor; accuracy: Tensor; state: Tensor } {
  const kinds = new TokenKinds(WIDTH, CLASSES);
  kinds.parameters();
  const state = input('state', 'float32', [ROWS, TOKENS, WIDTH]);
  const other = input('other', 'float32', [ROWS, TOKENS, WIDTH]);
  const taps = new Map([
    ['language_model.model.layers.0.state', other],
    ['language_model.model.layers.1.self_attn.weights', other],
    ['language_model.model.layers.1.state', state],
    // Of the last layer the chosen tokens alone are computed.
    ['language_model.model.layers.2.state', input('last', 'float32', [2, WIDTH])],
  ]);
  return { ...kinds.loss(readByLastLayer(taps), input('labels', 'int64', [ROWS, TOKENS])), state };
}

describe('kinds of image tokens', () => {
  it('are read from what the last layer reads, by tokens that show some, with the slopes of that', async () => {
    const { loss, accuracy, state } = trace();
    const [slope] = gradients(loss, [state]);
    const program = await runtime.compile(lower({ loss, accuracy, slope: slope! }));
    const out = await runOnce(runtime, program, given);
    const states = Array.from(given['state']!.data as Float32Array);
    const right = expected(states);
    expect(Number(out['loss']!.data[0])).toBeCloseTo(right.loss, 5);
    expect(Number(out['accuracy']!.data[0])).toBeCloseTo(right.accuracy, 6);
    for (const [i, found] of [...(out['slope']!.data as Float32Array)].entries()) {
      const moved = (by: number): number => expected(states.with(i, states[i]! + by)).loss;
      // Central differences of float64: their own error is some 1e-9.
      expect(found).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 5);
    }
  });

  it('need two layers', () => {
    const only = new Map([['layers.0.state', input('state', 'float32', [ROWS, TOKENS, WIDTH])]]);
    expect(() => readByLastLayer(only)).toThrow('two layers');
  });
});
