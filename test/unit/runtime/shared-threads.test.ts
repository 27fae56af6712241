import { expect, it } from 'vitest';
import { hostTensor } from '../../../src/core/index.ts';
import { input, matmul } from '../../../src/graph/index.ts';
import { lower } from '../../../src/onnx/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';

// Whoever comes first makes the engine's environment for the whole process, and the binding's has no threads to share.
it('the C API works after the binding has made the environment', async () => {
  const model = lower({ y: matmul(input('a', 'float32', [2, 2]), input('b', 'float32', [2, 2])) });
  for (const backend of ['binding', 'c-api'] as const) {
    const runtime = await createRuntime({ backend });
    const program = await runtime.compile(model);
    const value = await runtime.allocate('float32', [2, 2], hostTensor('float32', [2, 2], Float32Array.of(1, 2, 3, 4)));
    const outputs = await program.run({ a: value, b: value });
    expect([...(await outputs['y']!.read()).data]).toEqual([7, 10, 15, 22]);
    await runtime.dispose();
  }
});
