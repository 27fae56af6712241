import { byteSize, elementCount, type DType, type TypedArray } from '../../core/index.ts';
import type { MemoryAccount } from '../account.ts';
import type { Pointer } from './engine-library.ts';

/** Memory that several cells may lie in; `mark` serves the search for overlaps of one run. */
export interface MemoryRoot {
  mark: number;
  /** More than one cell lies in it, so two different cells may overlap. */
  readonly shared: boolean;
}

/** A stretch of device memory with the engine's handle for it. Freed when the last owner lets go. */
export interface Cell {
  /** The OrtValue. */
  readonly handle: Pointer;
  readonly root: MemoryRoot;
  /** Where in its root it lies, in bytes. */
  readonly start: number;
  readonly bytes: number;
  free(): void;
}

/** How one device keeps tensors. All of these are called from within the runtime's queue, one at a time. */
export interface DeviceMemory<C extends Cell = Cell> {
  readonly account: MemoryAccount;
  /** Memory for a tensor. What it holds is undefined. */
  allocate(dtype: DType, shape: readonly number[]): C;
  /** Memory that the engine itself allocated while it ran. */
  adopt(handle: Pointer): { cell: C; dtype: DType; shape: number[] };
  /** OrtMemoryInfo of where the engine shall put new outputs; undefined = in ordinary memory. */
  readonly outputs: Pointer | undefined;
  /** A program may write to what it reads. WebGPU forbids one buffer in both places of a kernel. */
  readonly allowsInPlace: boolean;
  zero(cell: C): void | Promise<void>;
  read(cell: C, dtype: DType, target: TypedArray): void | Promise<void>;
  write(cell: C, dtype: DType, source: TypedArray): void | Promise<void>;
  /** Copies all of `from` to `to`, which is as long. */
  copy(from: C, to: C): void | Promise<void>;
}

export function tensorBytes(dtype: DType, shape: readonly number[]): number {
  return byteSize(dtype) * elementCount(shape);
}
