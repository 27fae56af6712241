/** What tests of optimisers beside PyTorch share. */
import { afterAll, beforeAll, describe } from 'vitest';
import { hostTensor, type HostTensor } from '../../src/core/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { numbers } from './check-gradients.ts';

/** What a fixture has for one step. @param tensor [steps, ...] */
export function row(tensor: HostTensor, index: number): HostTensor {
  const shape = tensor.shape.slice(1);
  const size = shape.reduce((a, b) => a * b, 1);
  return hostTensor('float32', shape, Float32Array.from(numbers(tensor).slice(index * size, (index + 1) * size)));
}

/** Makes the tests of `body` for each store of weights. The arena is the C API's; the binding keeps every weight as a value of its own. */
export function describeStores(body: (runtime: () => Runtime, arena: boolean) => void): void {
  describe.each([
    ['c-api', true],
    ['c-api', false],
    ['binding', false],
  ] as const)('%s, arena %s', (backend, arena) => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await createRuntime({ threads: 1, backend });
    });
    afterAll(async () => {
      await runtime.dispose();
    });
    body(() => runtime, arena);
  });
}
