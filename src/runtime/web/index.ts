import type { InferenceSession } from 'onnxruntime-web';
import { DeviceError } from '../../core/index.ts';
import type { TensorEngine } from '../tensors/engine.ts';
import { TensorRuntime } from '../tensors/tensor-runtime.ts';
import type { CompileOptions, ProgramSource, Runtime } from '../types.ts';

export interface WebRuntimeOptions {
  /** Default `wasm`. */
  readonly device?: 'wasm' | 'webgpu';
  /** Threads of WebAssembly. More than one needs a cross-origin isolated page. */
  readonly threads?: number;
  /** Where the engine's .wasm and .mjs files are served, with a slash at its end; by default beside the script. */
  readonly wasmPaths?: string;
}

/** Files of weights that a program refers to, by location. Set them before `compile`, since a page has no folders. */
export interface WebProgramSource extends ProgramSource {
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Starts the engine in a browser. @throws DeviceError when the page has no WebGPU, or the engine does not start. */
export async function createRuntime(options: WebRuntimeOptions = {}): Promise<Runtime> {
  const device = options.device ?? 'wasm';
  if (device === 'webgpu' && (await gpuAdapter()) === null) {
    throw new DeviceError(
      'this browser offers no WebGPU device',
      'use device "wasm", or a browser with WebGPU switched on',
    );
  }
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
  const threads = isolated ? (options.threads ?? Math.min(4, globalThis.navigator?.hardwareConcurrency ?? 1)) : 1;
  // The plain build is half as large, so a page without WebGPU does not load the other.
  const ort = device === 'webgpu' ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm');
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  if (options.wasmPaths !== undefined) ort.env.wasm.wasmPaths = options.wasmPaths;
  const engine: TensorEngine = {
    device,
    backend: 'web',
    version: `onnxruntime-web ${ort.env.versions.web ?? 'of unknown version'}`,
    threads,
    gpu: device === 'webgpu',
    Tensor: ort.Tensor,
    create: (model, settings) => ort.InferenceSession.create(model, settings),
    sessionOptions: (source, settings) => sessionOptions(device, source, settings),
  };
  return new TensorRuntime(engine);
}

function sessionOptions(
  device: 'wasm' | 'webgpu',
  source: WebProgramSource,
  options: CompileOptions,
): InferenceSession.SessionOptions {
  if (source.externalFolder !== undefined) {
    throw new DeviceError(
      'a page has no folders to read weights from',
      'give the files as `externalData`, or weights as inputs',
    );
  }
  const session: Record<string, string> = {};
  if (options.disablePrepacking === true) session['disable_prepacking'] = '1';
  return {
    executionProviders: [device],
    ...(source.externalData === undefined ? {} : { externalData: source.externalData }),
    extra: { session },
  };
}

async function gpuAdapter(): Promise<object | null> {
  const gpu = (globalThis.navigator as { gpu?: { requestAdapter(): Promise<object | null> } } | undefined)?.gpu;
  return (await gpu?.requestAdapter()) ?? null;
}
