import koffi from 'koffi';
import { DeviceError, elementCount, viewArray, type DType, type TypedArray } from '../../core/index.ts';
import type { MemoryAccount } from '../account.ts';
import { tensorBytes, type Cell, type DeviceMemory, type MemoryRoot } from './device-memory.ts';
import { dtypeOfCode, elementTypeCode } from './element-types.ts';
import { allocateWords, type EngineLibrary, type Pointer, type Words } from './engine-library.ts';

/** Rank of the largest tensor that this runtime makes. */
export const MAX_RANK = 16;

/** One allocation of the engine's plain allocator, aligned to 64 bytes, counted while somebody owns it. */
export class NativeBlock implements MemoryRoot {
  mark = 0;
  readonly shared: boolean;
  readonly pointer: Pointer;
  readonly bytes: number;
  /** The same memory as an ArrayBuffer. Never handed out: it must not outlive the block. */
  readonly buffer: ArrayBuffer;
  readonly #engine: EngineLibrary;
  readonly #account: MemoryAccount;
  #owners = 1;

  constructor(engine: EngineLibrary, account: MemoryAccount, bytes: number, shared: boolean) {
    this.#engine = engine;
    this.#account = account;
    this.shared = shared;
    this.bytes = bytes;
    const size = Math.max(bytes, 64);
    try {
      this.pointer = engine.create('AllocatorAlloc', engine.allocator, size);
    } catch (cause) {
      throw new DeviceError(`no memory for a tensor of ${bytes} bytes`, 'make the model or the batch smaller', {
        cause,
      });
    }
    this.buffer = koffi.view(this.pointer, size);
    account.add(bytes);
  }

  retain(): void {
    this.#owners++;
  }

  release(): void {
    if (--this.#owners > 0) return;
    this.#account.remove(this.bytes);
    this.#engine.call('AllocatorFree', this.#engine.allocator, this.pointer);
  }
}

/** Ordinary memory, with a buffer to look into. */
export interface CpuCell extends Cell {
  readonly buffer: ArrayBuffer;
  /** Where in `buffer` it begins. */
  readonly start: number;
}

/** Tensors in native memory of the CPU. */
export class CpuMemory implements DeviceMemory<CpuCell> {
  readonly account: MemoryAccount;
  readonly outputs: undefined;
  readonly allowsInPlace = true;
  readonly #engine: EngineLibrary;
  readonly #dims: Words;

  constructor(engine: EngineLibrary, account: MemoryAccount) {
    this.#engine = engine;
    this.account = account;
    this.#dims = allocateWords(MAX_RANK);
  }

  block(bytes: number, shared: boolean): NativeBlock {
    return new NativeBlock(this.#engine, this.account, bytes, shared);
  }

  allocate(dtype: DType, shape: readonly number[]): CpuCell {
    const block = this.block(tensorBytes(dtype, shape), false);
    try {
      return this.view(block, 0, dtype, shape);
    } finally {
      block.release();
    }
  }

  /** A tensor on part of a block, which it keeps alive. */
  view(block: NativeBlock, start: number, dtype: DType, shape: readonly number[]): CpuCell {
    if (shape.length > MAX_RANK)
      throw new DeviceError(`a tensor of ${shape.length} dimensions; the most are ${MAX_RANK}`);
    for (const [i, size] of shape.entries()) this.#dims.words[i] = BigInt(size);
    const bytes = tensorBytes(dtype, shape);
    const handle = this.#engine.create(
      'CreateTensorWithDataAsOrtValue',
      this.#engine.cpuMemory,
      block.pointer + BigInt(start),
      bytes,
      this.#dims.pointer,
      shape.length,
      elementTypeCode(dtype),
    );
    block.retain();
    return {
      handle,
      root: block,
      buffer: block.buffer,
      start,
      bytes,
      free: () => {
        this.#engine.release('ReleaseValue', handle);
        block.release();
      },
    };
  }

  adopt(handle: Pointer): { cell: CpuCell; dtype: DType; shape: number[] } {
    const { dtype, shape } = describe(this.#engine, handle, this.#dims);
    const bytes = tensorBytes(dtype, shape);
    const pointer = this.#engine.create('GetTensorMutableData', handle);
    this.account.add(bytes);
    const cell: CpuCell = {
      handle,
      root: { mark: 0, shared: false },
      buffer: bytes === 0 ? new ArrayBuffer(0) : (koffi.view(pointer, bytes) as ArrayBuffer),
      start: 0,
      bytes,
      free: () => {
        this.account.remove(bytes);
        this.#engine.release('ReleaseValue', handle);
      },
    };
    return { cell, dtype, shape };
  }

  zero(cell: CpuCell): void {
    new Uint8Array(cell.buffer, cell.start, cell.bytes).fill(0);
  }

  read(cell: CpuCell, dtype: DType, target: TypedArray): void {
    (target as Float32Array).set(viewArray(dtype, cell.buffer, cell.start, target.length) as Float32Array);
  }

  write(cell: CpuCell, dtype: DType, source: TypedArray): void {
    (viewArray(dtype, cell.buffer, cell.start, source.length) as Float32Array).set(source as Float32Array);
  }

  copy(from: CpuCell, to: CpuCell): void {
    new Uint8Array(to.buffer, to.start, to.bytes).set(new Uint8Array(from.buffer, from.start, from.bytes));
  }
}

/** Type and shape of an OrtValue; `dims` is room for the sizes. */
export function describe(engine: EngineLibrary, handle: Pointer, dims: Words): { dtype: DType; shape: number[] } {
  const info = engine.create('GetTensorTypeAndShape', handle);
  try {
    engine.call('GetTensorElementType', info, dims.pointer);
    const dtype = dtypeOfCode(Number(BigInt.asIntN(32, dims.words[0]!)));
    engine.call('GetDimensionsCount', info, dims.pointer);
    const rank = Number(dims.words[0]);
    engine.call('GetDimensions', info, dims.pointer, rank);
    const shape = [...dims.words.subarray(0, rank)].map(Number);
    if (elementCount(shape) < 0) throw new DeviceError(`the engine gave a tensor of shape [${shape.join(', ')}]`);
    return { dtype, shape };
  } finally {
    engine.release('ReleaseTensorTypeAndShapeInfo', info);
  }
}
