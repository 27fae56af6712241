// Runs in the page: what the test calls.
import { createRuntime } from '../../../src/runtime/web/index.ts';
import { trainSmall } from '../../small-fusion.ts';

async function train(
  device: 'wasm' | 'webgpu',
  steps: number,
  vision: 'vit' | 'convnet',
): Promise<{ version: string; losses: number[] }> {
  const runtime = await createRuntime({ device, threads: 1, wasmPaths: '/ort/' });
  try {
    const { losses } = await trainSmall(runtime, steps, { vision });
    return { version: runtime.version, losses };
  } finally {
    await runtime.dispose();
  }
}

Object.assign(globalThis, { train });
