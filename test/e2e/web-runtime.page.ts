import { hostTensor } from '../../src/core/index.ts';
import { createRuntime } from '../../src/runtime/web/index.ts';
import { binary, model, spec } from '../unit/runtime/onnx-model.ts';

// Runs in a page; the test beside it judges what comes back.

/** Exercises one device of the browser and reports plain numbers. */
export async function exercise(device: 'wasm' | 'webgpu', wasmPaths: string): Promise<Record<string, unknown>> {
  const runtime = await createRuntime({ device, wasmPaths });
  const program = await runtime.compile(
    model({
      inputs: [spec('x', [4, 4]), spec('w', [4, 4])],
      outputs: [spec('next', [4, 4])],
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
        { op: 'Tanh', inputs: ['xw'], outputs: ['next'] },
      ],
    }),
  );
  const start = Float32Array.from({ length: 16 }, (_, i) => Math.cos(i));
  const weights = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i * 7) / 2);
  const x = await runtime.allocate('float32', [4, 4], hostTensor('float32', [4, 4], start));
  const w = await runtime.allocate('float32', [4, 4], hostTensor('float32', [4, 4], weights));
  for (let step = 0; step < 100; step++) await program.run({ x, w }, { next: x });
  const ids = await runtime.allocate('int64', [2], hostTensor('int64', [2], BigInt64Array.of(5n, -6n)));
  const add = await runtime.compile(binary('Add', ['n']));
  const v = await runtime.allocate('float32', [3], hostTensor('float32', [3], Float32Array.of(1, 2, 3)));
  const { z } = await add.run({ x: v, y: v });
  const before = { device: runtime.device, backend: runtime.backend, version: runtime.version };
  const result = {
    ...before,
    x: [...(await x.read()).data].map(Number),
    ids: [...(await ids.read()).data].map(String),
    sum: [...(await z!.read()).data].map(Number),
    values: runtime.memory().values,
    refused: await program.run({ x: v, w }).then(
      () => 'accepted',
      (error: Error) => error.name,
    ),
  };
  await runtime.dispose();
  return { ...result, afterwards: runtime.memory().values };
}

(globalThis as { exercise?: typeof exercise }).exercise = exercise;
