import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { DeviceError } from '../../core/index.ts';
import { allocateWords, engineLibrary, type EngineLibrary } from './engine-library.ts';
import { Gpu } from './gpu-memory.ts';

/** Devices of Node. */
export type NodeDevice = 'cpu' | 'webgpu' | 'cuda';

/** What the doctor says of one device. */
export interface DeviceReport {
  readonly device: NodeDevice;
  readonly available: boolean;
  /** The engine's version, or why the device is not there. */
  readonly detail: string;
}

/** A device that this machine does not have. */
export class MissingDeviceError extends DeviceError {}

const opened = new Map<NodeDevice, Promise<Gpu>>();

/** Opens a GPU once per process. @throws MissingDeviceError when it is not there. */
export async function openGpu(device: 'webgpu' | 'cuda'): Promise<Gpu> {
  let gpu = opened.get(device);
  if (gpu === undefined) {
    gpu = device === 'webgpu' ? openWebGpu(engineLibrary()) : openCuda(engineLibrary());
    opened.set(device, gpu);
    // A driver may be installed while the process lives: a failure is not remembered.
    gpu.catch(() => opened.delete(device));
  }
  return gpu;
}

async function openWebGpu(engine: EngineLibrary): Promise<Gpu> {
  const none = allocateWords(1);
  try {
    return await Gpu.open(
      engine,
      (options) =>
        engine.call('SessionOptionsAppendExecutionProvider', options, 'WebGPU', none.pointer, none.pointer, 0),
      'WebGPU_Buf',
    );
  } catch (cause) {
    throw missing(
      'webgpu',
      firstLine(cause),
      'install a graphics driver (on Linux: Vulkan), or use device "cpu"',
      cause,
    );
  }
}

async function openCuda(engine: EngineLibrary): Promise<Gpu> {
  const file = process.platform === 'win32' ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so';
  if (!existsSync(join(engine.folder, file))) {
    const hint =
      'CUDA\'s part of ONNX Runtime is not installed: let onnxruntime-node\'s install script fetch it (README), or use device "cpu"';
    throw missing('cuda', `${file} is not in ${engine.folder}`, hint);
  }
  try {
    return await Gpu.open(engine, (options) => engine.appendCuda(options), 'Cuda');
  } catch (cause) {
    throw missing('cuda', firstLine(cause), 'check the NVIDIA driver, CUDA 12 and cuDNN 9, or use device "cpu"', cause);
  }
}

function missing(device: NodeDevice, why: string, hint: string, cause?: unknown): MissingDeviceError {
  return new MissingDeviceError(`there is no device "${device}" here: ${why}`, hint, { cause });
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}

/** Every device of Node and whether it can be used here. Opening them takes up to some seconds. */
export async function listDevices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  try {
    reports.push({ device: 'cpu', available: true, detail: `onnxruntime ${engineLibrary().version}` });
  } catch (error) {
    reports.push({ device: 'cpu', available: true, detail: `by the JavaScript binding; ${firstLine(error)}` });
  }
  for (const device of ['webgpu', 'cuda'] as const) {
    try {
      // Drivers do not like to be opened in parallel.
      const gpu = await openGpu(device);
      reports.push({ device, available: true, detail: `onnxruntime ${gpu.engine.version}` });
    } catch (error) {
      reports.push({ device, available: false, detail: firstLine(error) });
    }
  }
  return reports;
}
