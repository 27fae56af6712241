import { viewArray, type DType, type TypedArray } from '../../core/index.ts';
import type { MemoryAccount } from '../account.ts';
import { identityModel } from '../identity-model.ts';
import { guarded, tensorType, type InferenceSession, type Tensor, type TensorEngine } from './engine.ts';

/** One tensor of the engine, in ordinary memory or in a GPU buffer. */
export interface TensorCell {
  readonly tensor: Tensor;
  free(): void;
}

/** Tensors of the engine's JavaScript interface. */
export class TensorMemory {
  readonly #engine: TensorEngine;
  readonly #account: MemoryAccount;
  /** Sessions that copy to the GPU and back, by element type. */
  readonly #copies = new Map<string, Promise<InferenceSession>>();

  constructor(engine: TensorEngine, account: MemoryAccount) {
    this.#engine = engine;
    this.#account = account;
  }

  /** Takes over a tensor; `bytes` go on the account. */
  cell(tensor: Tensor, bytes: number): TensorCell {
    this.#account.add(bytes);
    return {
      tensor,
      free: () => {
        this.#account.remove(bytes);
        if (tensor.location !== 'cpu') tensor.dispose();
      },
    };
  }

  /** A tensor on the device that holds a copy of `data`. */
  async upload(dtype: DType, shape: readonly number[], data: TypedArray): Promise<TensorCell> {
    const host = this.#host(dtype, shape, data.slice() as TypedArray);
    // An empty tensor has no buffer on any device.
    if (!this.#engine.gpu || data.length === 0) return this.cell(host, data.byteLength);
    const session = await this.#copy(dtype, 'gpu-buffer');
    const results = await guarded(() => session.run({ x: host }));
    return this.cell(results['y']!, data.byteLength);
  }

  /** Copies a tensor's contents to `target`. */
  async download(cell: TensorCell, dtype: DType, target: TypedArray): Promise<void> {
    let { tensor } = cell;
    if (tensor.location !== 'cpu') {
      const session = await this.#copy(dtype, 'cpu');
      tensor = (await guarded(() => session.run({ x: cell.tensor })))['y']!;
    }
    const data = tensor.data as TypedArray;
    // Half floats come as Float16Array where the platform has one: look at their bits.
    const bits = viewArray(dtype, data.buffer, data.byteOffset, target.length);
    (target as Float32Array).set(bits as Float32Array);
  }

  /** The sessions are kept until here, because the last session on a GPU takes the device with it. */
  async release(): Promise<void> {
    for (const session of this.#copies.values()) {
      // One at a time: the engine does not release in parallel.
      await (await session).release();
    }
    this.#copies.clear();
  }

  #host(dtype: DType, shape: readonly number[], data: TypedArray): Tensor {
    return new this.#engine.Tensor(tensorType(dtype), data as Float32Array, shape) as Tensor;
  }

  #copy(dtype: DType, location: 'cpu' | 'gpu-buffer'): Promise<InferenceSession> {
    const key = `${dtype} ${location}`;
    let session = this.#copies.get(key);
    if (session === undefined) {
      const source = { bytes: identityModel(dtype), inputs: [], outputs: [] };
      const options = this.#engine.sessionOptions(source, {});
      // Optimised away, an Identity would hand its input back rather than copy it.
      session = guarded(() =>
        this.#engine.create(source.bytes, {
          ...options,
          graphOptimizationLevel: 'disabled',
          preferredOutputLocation: location,
        }),
      );
      this.#copies.set(key, session);
    }
    return session;
  }
}
