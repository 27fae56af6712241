import type { DType, HostTensor } from '../core/index.ts';

/** Where programs run. `wasm` exists in browsers, `cpu` and `cuda` in Node, `webgpu` in both. */
export type Device = 'cpu' | 'webgpu' | 'cuda' | 'wasm';

/** What a program takes or gives: a name, a type and a static or symbolic shape. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  /** Sizes; a string names a size that is only known when the program runs. */
  readonly shape: readonly (number | string)[];
}

/** What a lowered graph is, as far as a runtime needs to know it. */
export interface ProgramSource {
  /** A serialised ONNX ModelProto. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Folder against which the locations of external data are resolved; a real path, no symbolic links. */
  readonly externalFolder?: string;
}

export interface CompileOptions {
  /** ONNX Runtime's graph optimisations. Training measures best with `disabled` or `basic`, inference with `all`. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Reuse memory by a plan made at the first run; off for training (measured: less memory, same speed). */
  readonly memoryPattern?: boolean;
  /** Keep weights in the layout of their file, memory-mapped. */
  readonly disablePrepacking?: boolean;
  /** Further session configuration entries, for measurements. */
  readonly config?: Readonly<Record<string, string>>;
}

/**
 * A tensor that lives on a device between runs. Opaque: it can be read, written, passed to a program.
 * A value that is an output of a run holds the result afterwards, whether in place or not.
 */
export interface Value {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** A copy in ordinary memory. With `into`, the copy goes there and nothing is allocated. */
  read(into?: HostTensor): Promise<HostTensor>;
  /** Replaces the contents; type and shape must be equal. */
  write(data: HostTensor): Promise<void>;
  /** Frees the memory now rather than some time later. Using the value afterwards is an error. */
  dispose(): void;
}

/** A compiled graph. */
export interface Program {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /**
   * Runs once, off the main thread where the device allows it. The event loop stays free.
   * @param inputs a value for every input of the program, by name
   * @param outputs values to receive outputs, by name; an output without one gets a new value. A value may be given
   *   both as an input and as an output (an update in place): the runtime writes in place only where `inPlace` was
   *   promised for the program's outputs, and otherwise double-buffers, so that the result is the same.
   * @returns every output by name
   */
  run(inputs: Readonly<Record<string, Value>>, outputs?: Readonly<Record<string, Value>>): Promise<Record<string, Value>>;
  dispose(): void;
}

/** Named values side by side in one buffer, so that an update can treat them as one vector. */
export interface Arena {
  /** A view of each tensor, in the order given. */
  readonly values: Readonly<Record<string, Value>>;
  /** All of it as one vector of `length` elements; tensors start at multiples of 64 bytes, gaps are zero. */
  readonly flat: Value;
  /** `count` consecutive chunks of `flat` as values of their own ([chunkLength] each, the last one shorter). */
  chunks(chunkLength: number): Value[];
  dispose(): void;
}

/** An engine on one device. */
export interface Runtime {
  readonly device: Device;
  /** Which way leads to the engine: its C API, its JavaScript binding for Node, or its web build. */
  readonly backend: 'c-api' | 'binding' | 'web';
  /** What the engine says of itself, e.g. `onnxruntime 1.30.0`. */
  readonly version: string;
  readonly threads: number;
  compile(source: ProgramSource, options?: CompileOptions & { inPlace?: boolean }): Promise<Program>;
  /** A new value, zeroed or holding a copy of `data`. */
  allocate(dtype: DType, shape: readonly number[], data?: HostTensor): Promise<Value>;
  /** One buffer for many float32 tensors; `undefined` where the engine cannot give views (WebGPU, wasm, the binding). */
  allocateArena?(specs: readonly { name: string; shape: readonly number[] }[], padTo?: number): Promise<Arena>;
  /** Current and peak bytes held by this runtime's own values. */
  memory(): { values: number; peakValues: number };
  dispose(): Promise<void>;
}
