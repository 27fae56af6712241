import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-web';
import { DeviceError, type DType } from '../../core/index.ts';
import type { CompileOptions, Device, ProgramSource } from '../types.ts';

export type { InferenceSession, Tensor };

/** ONNX Runtime's JavaScript interface, which its Node binding and its web build share, on one device. */
export interface TensorEngine {
  readonly device: Device;
  readonly backend: 'binding' | 'web';
  readonly version: string;
  readonly threads: number;
  /** Values live in GPU buffers. */
  readonly gpu: boolean;
  readonly Tensor: TensorConstructor;
  create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  /** Device and platform specific session options. */
  sessionOptions(source: ProgramSource, options: CompileOptions): InferenceSession.SessionOptions;
}

/** Every failure of the engine as an error of Sensorium. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DeviceError) throw cause;
    throw new DeviceError(`ONNX Runtime: ${cause instanceof Error ? cause.message : String(cause)}`, undefined, {
      cause,
    });
  }
}

/** @throws DeviceError for the one type that the JavaScript interface lacks. */
export function tensorType(dtype: DType): Exclude<DType, 'bfloat16'> {
  if (dtype === 'bfloat16') {
    throw new DeviceError('this way to the engine has no bfloat16 tensors', 'use float32, or the C API on Node');
  }
  return dtype;
}
