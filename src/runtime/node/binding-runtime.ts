import * as binding from 'onnxruntime-node';
import type { Device } from '../types.ts';
import type { TensorEngine } from '../tensors/engine.ts';
import { TensorRuntime } from '../tensors/tensor-runtime.ts';
import { sessionConfig } from './session.ts';

/**
 * The engine through onnxruntime-node's JavaScript binding, for machines on which its library cannot be called. It copies
 * every output on the CPU once more and blocks the event loop while it runs.
 */
export function bindingRuntime(device: Exclude<Device, 'wasm'>, threads: number): TensorRuntime {
  const engine: TensorEngine = {
    device,
    backend: 'binding',
    version: `onnxruntime ${binding.env.versions.node ?? 'of unknown version'}`,
    threads,
    gpu: device === 'webgpu',
    Tensor: binding.Tensor,
    create: (model, options) => binding.InferenceSession.create(model, options),
    sessionOptions: (source, options) => ({
      executionProviders: [device],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
      extra: nested(sessionConfig(source, options)),
    }),
  };
  return new TensorRuntime(engine);
}

/** The binding takes `a.b.c` as { a: { b: { c } } }. */
function nested(config: Record<string, string>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const parts = key.split('.');
    const last = parts.pop()!;
    let at = root;
    for (const part of parts) at = (at[part] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return root;
}
