import { afterAll, beforeAll, expect, it } from 'vitest';
import { input } from '../../../src/graph/index.ts';
import { attachLora, Linear, Module } from '../../../src/nn/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { evaluate, floats } from '../evaluate.ts';

class Holder extends Module {
  readonly layer = new Linear(2, 2, { bias: false });
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

it('an adapter is left out for a while, and one that was taken away does not come back by that', async () => {
  const model = new Holder();
  model.parameters();
  const adapter = attachLora(model, { rank: 1, targets: 'layer' });
  const x = input('x', 'float32', [1, 2]);
  const y = (): ReturnType<Linear['forward']> => model.layer.forward(x);
  const [a, b] = ['lora_A', 'lora_B'].map((part) => `base_model.model.layer.${part}.default.weight`);
  const weights = { x: floats([1, 2], [1, 2]), 'layer.weight': floats([2, 2], [1, 0, 0, 1]) };
  const changes = { [a!]: floats([1, 2], [1, 1]), [b!]: floats([2, 1], [10, 20]) };
  const result = async (given: object): Promise<number[]> => {
    const results = await evaluate(runtime, { without: adapter.without(y), y: y() }, { ...weights, ...given });
    return ['without', 'y'].flatMap((name) => [...(results[name]!.data as Float32Array)]);
  };
  expect(await result(changes)).toEqual([1, 2, 31, 62]);
  adapter.detach();
  // A graph that held the adapter would ask for its weights.
  expect(await result({})).toEqual([1, 2, 1, 2]);
});
