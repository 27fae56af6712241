import type { DType, HostTensor, TypedArray } from '../core/index.ts';

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
  /**
   * Threads wait for each other busily: about a tenth quicker on an idle machine, several times slower where other
   * processes or threads need the cores too. On unless told.
   */
  readonly spinning?: boolean;
  /**
   * Take working memory from one pool for all programs that do, which the process keeps: programs that run in turn then take
   * as much as the greatest of them, and not the sum. Only on the CPU through the C API.
   */
  readonly pooled?: boolean;
  /** Further session configuration entries, for measurements. */
  readonly config?: Readonly<Record<string, string>>;
}

/**
 * A tensor that lives on a device between runs. Opaque: it can be read, written, passed to a program of the runtime that
 * made it. A value that is an output of a run holds the result afterwards, whether in place or not.
 *
 * Order: the runs, reads and writes of one runtime happen one at a time in the order of the calls, awaited or not. So
 * `void program.run({ x }, { y: x }); await x.read()` reads the result. A value disposed of during a run stays until its end.
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
   * Runs once, off the main thread where the device allows it. The event loop stays free: through the C API, programs
   * that take less than about 0.15 ms run on the main thread, where waking a worker would cost many times the run, but
   * never for more than 2 ms without a turn of the event loop. The binding for Node blocks it, and so may a browser's.
   * @param inputs a value for every input of the program, by name
   * @param outputs values to receive outputs, by name; an output without one gets a new value. A value may be given
   *   both as an input and as an output (an update in place): the runtime writes in place only where `inPlace` was
   *   promised for the program's outputs, and otherwise double-buffers, so that the result is the same. Only the CPU
   *   through the C API ever writes in place; everywhere else the value takes a new buffer and nothing is copied.
   * @returns every output by name: the values given, and new ones, which the caller disposes of
   * @throws ShapeError when a value is missing or does not fit, DeviceError with the engine's message when the run fails;
   *   then outputs hold what they held before, except those that were to be written in place or that no input shares
   */
  run(
    inputs: Readonly<Record<string, Value>>,
    outputs?: Readonly<Record<string, Value>>,
  ): Promise<Record<string, Value>>;
  dispose(): void;
}

/** Named values side by side in one buffer, so that an update can treat them as one vector. */
export interface Arena {
  /** A view of each tensor, in the order given. */
  readonly values: Readonly<Record<string, Value>>;
  /** All of it as one vector of `length` elements; tensors start at multiples of 64 bytes, gaps are zero. */
  readonly flat: Value;
  /** Consecutive chunks of `flat` as values of their own ([chunkLength] each, the last one shorter); ask once and keep them. */
  chunks(chunkLength: number): Value[];
  /**
   * All of it as a matrix [length / width, width], for a Scan over its rows. The length must be a multiple of `width`
   * (give it as `padTo`). A Reshape inside the program would do the same at the price of copies: measured 1.3 to 3.6 times
   * slower, since its outputs cannot be written in place.
   */
  matrix(width: number): Value;
  dispose(): void;
}

/** A tensor whose rows are lent to programs, and into which its owner looks at once, without a turn of the queue. */
export interface RowBuffer {
  readonly dtype: DType;
  /** The first size is the number of rows; none for a single number. What it holds at first is undefined. */
  readonly shape: readonly number[];
  /** Rows first … first + count − 1 as a value over the same memory, [count, …]; ask once and keep it. */
  rows(first: number, count: number): Value;
  /**
   * Copies elements from `start` on into `target`. Like the other two it happens at once: only while no run is under way
   * that reads or writes these elements.
   */
  read(start: number, target: TypedArray): void;
  write(start: number, source: TypedArray): void;
  /** Copies `count` elements from `from` on to `to`. */
  copy(from: number, to: number, count: number): void;
  /** Frees the memory, and the values that were lent. */
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
  /**
   * @param options.inPlace promises that every reader of an input comes before the writer of an output that shares its
   *   memory, whatever order the engine chooses: elementwise updates, for example. Broken, it is silently wrong.
   * @throws DeviceError with the engine's message when it refuses the program
   */
  compile(source: ProgramSource, options?: CompileOptions & { inPlace?: boolean }): Promise<Program>;
  /** A new value, zeroed or holding a copy of `data`. */
  allocate(dtype: DType, shape: readonly number[], data?: HostTensor): Promise<Value>;
  /**
   * One buffer for many float32 tensors, its length a multiple of `padTo` elements; `undefined` where the engine cannot
   * give views (everywhere but on the CPU through the C API).
   */
  allocateArena?(specs: readonly { name: string; shape: readonly number[] }[], padTo?: number): Promise<Arena>;
  /** As {@link allocateArena} only where the engine can give views: on the CPU through the C API. */
  allocateRows?(dtype: DType, shape: readonly number[]): RowBuffer;
  /** Current and peak bytes held by this runtime's own values, second buffers included. */
  memory(): { values: number; peakValues: number };
  /** Frees programs and values after the calls that are under way. */
  dispose(): Promise<void>;
}
