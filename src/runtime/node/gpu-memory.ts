import type { DType, TypedArray } from '../../core/index.ts';
import type { MemoryAccount } from '../account.ts';
import { identityModel } from '../identity-model.ts';
import { describe, MAX_RANK, type CpuCell, type CpuMemory } from './cpu-memory.ts';
import { tensorBytes, type Cell, type DeviceMemory } from './device-memory.ts';
import { elementTypeCode } from './element-types.ts';
import { allocateWords, freeWords, type EngineLibrary, type Pointer, type Words } from './engine-library.ts';
import { createSession, type AppendProvider } from './session.ts';

/**
 * One GPU of this process: its memory and the sessions that copy to it and from it. It is never given back, since the
 * engine ends a WebGPU device with its last session.
 */
export class Gpu {
  readonly append: AppendProvider;
  readonly engine: EngineLibrary;
  /** OrtMemoryInfo of the device's own memory. */
  readonly info: Pointer;
  readonly allocator: Pointer;
  readonly #copies = new Map<DType, Promise<Pointer>>();
  readonly #names: Words;

  private constructor(engine: EngineLibrary, append: AppendProvider, memory: string, session: Pointer) {
    this.engine = engine;
    this.append = append;
    this.info = engine.create('CreateMemoryInfo', memory, 0, 0, 0);
    this.allocator = engine.create('CreateAllocator', session, this.info);
    this.#copies.set('float32', Promise.resolve(session));
    // Two C strings "x" and "y", and pointers to them.
    this.#names = allocateWords(4);
    this.#names.words.set([0x78n, 0x79n, this.#names.pointer, this.#names.pointer + 8n]);
  }

  /** @param memory the engine's name of the device's memory @throws DeviceError when the device cannot be opened */
  static async open(engine: EngineLibrary, append: AppendProvider, memory: string): Promise<Gpu> {
    return new Gpu(engine, append, memory, await copySession(engine, append, 'float32'));
  }

  /** Copies one tensor to another of the same type and shape, wherever they lie. */
  async copy(dtype: DType, from: Pointer, to: Pointer): Promise<void> {
    let session = this.#copies.get(dtype);
    if (session === undefined) {
      session = copySession(this.engine, this.append, dtype);
      this.#copies.set(dtype, session);
    }
    const call = allocateWords(2);
    call.words.set([from, to]);
    const { pointer } = this.#names;
    try {
      const ready = await session;
      await this.engine.callAsync(
        'Run',
        ready,
        null,
        pointer + 16n,
        call.pointer,
        1,
        pointer + 24n,
        1,
        call.pointer + 8n,
      );
    } finally {
      freeWords(call);
    }
  }
}

/** A session of an Identity, which is not optimised away: it would hand its input back. */
function copySession(engine: EngineLibrary, append: AppendProvider, dtype: DType): Promise<Pointer> {
  const source = { bytes: identityModel(dtype), inputs: [], outputs: [] };
  return createSession(engine, source, { optimization: 'disabled' }, 1, append);
}

interface GpuCell extends Cell {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Tensors in the memory of a GPU. */
export class GpuMemory implements DeviceMemory<GpuCell> {
  readonly account: MemoryAccount;
  readonly outputs: Pointer;
  readonly allowsInPlace = false;
  readonly #gpu: Gpu;
  /** Ordinary memory on the way to the GPU and back, and for tensors without elements. */
  readonly #host: CpuMemory;
  readonly #dims: Words = allocateWords(MAX_RANK);

  /** @param host keeps an account of its own: it holds tensors only while they are copied */
  constructor(gpu: Gpu, host: CpuMemory, account: MemoryAccount) {
    this.#gpu = gpu;
    this.#host = host;
    this.account = account;
    this.outputs = gpu.info;
  }

  allocate(dtype: DType, shape: readonly number[]): GpuCell {
    const bytes = tensorBytes(dtype, shape);
    if (bytes === 0) return { ...this.#host.allocate(dtype, shape), dtype, shape };
    for (const [i, size] of shape.entries()) this.#dims.words[i] = BigInt(size);
    const { engine, allocator } = this.#gpu;
    const handle = engine.create(
      'CreateTensorAsOrtValue',
      allocator,
      this.#dims.pointer,
      shape.length,
      elementTypeCode(dtype),
    );
    return this.#cell(handle, dtype, shape, bytes);
  }

  adopt(handle: Pointer): { cell: GpuCell; dtype: DType; shape: number[] } {
    const { dtype, shape } = describe(this.#gpu.engine, handle, this.#dims);
    return { cell: this.#cell(handle, dtype, shape, tensorBytes(dtype, shape)), dtype, shape };
  }

  async zero(cell: GpuCell): Promise<void> {
    await this.#through(cell, async (host) => {
      this.#host.zero(host);
      await this.#gpu.copy(cell.dtype, host.handle, cell.handle);
    });
  }

  async read(cell: GpuCell, dtype: DType, target: TypedArray): Promise<void> {
    await this.#through(cell, async (host) => {
      await this.#gpu.copy(dtype, cell.handle, host.handle);
      this.#host.read(host, dtype, target);
    });
  }

  async write(cell: GpuCell, dtype: DType, source: TypedArray): Promise<void> {
    await this.#through(cell, async (host) => {
      this.#host.write(host, dtype, source);
      await this.#gpu.copy(dtype, host.handle, cell.handle);
    });
  }

  async copy(from: GpuCell, to: GpuCell): Promise<void> {
    if (from.bytes > 0) await this.#gpu.copy(from.dtype, from.handle, to.handle);
  }

  async #through(cell: GpuCell, work: (host: CpuCell) => Promise<void>): Promise<void> {
    if (cell.bytes === 0) return;
    const host = this.#host.allocate(cell.dtype, cell.shape);
    try {
      await work(host);
    } finally {
      host.free();
    }
  }

  #cell(handle: Pointer, dtype: DType, shape: readonly number[], bytes: number): GpuCell {
    this.account.add(bytes);
    return {
      handle,
      root: { mark: 0, shared: false },
      start: 0,
      bytes,
      dtype,
      shape,
      free: () => {
        this.account.remove(bytes);
        this.#gpu.engine.release('ReleaseValue', handle);
      },
    };
  }
}
