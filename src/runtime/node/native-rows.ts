import { byteSize, elementCount, ShapeError, viewArray, type DType, type TypedArray } from '../../core/index.ts';
import { checkShape, disposedError } from '../checks.ts';
import type { RowBuffer, Value } from '../types.ts';
import type { CpuMemory, NativeBlock } from './cpu-memory.ts';
import { DeviceValue, type ValueHome } from './device-value.ts';

/** Rows of one tensor in native memory. Memory that nobody has written to yet takes no place. */
export class NativeRows implements RowBuffer {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly #home: ValueHome;
  readonly #memory: CpuMemory;
  readonly #block: NativeBlock;
  /** All elements. Never handed out: it must not outlive the block. */
  readonly #all: TypedArray;
  readonly #lent = new Map<string, Value>();
  #disposed = false;

  constructor(home: ValueHome, memory: CpuMemory, dtype: DType, shape: readonly number[]) {
    checkShape(shape);
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.#home = home;
    this.#memory = memory;
    const count = elementCount(shape);
    this.#block = memory.block(count * byteSize(dtype), true);
    this.#all = viewArray(dtype, this.#block.buffer, 0, count);
  }

  rows(first: number, count: number): Value {
    this.#alive();
    const key = `${first} ${count}`;
    let value = this.#lent.get(key);
    if (value === undefined) {
      const [rows = 1, ...rest] = this.shape;
      if (!(first >= 0 && count >= 1 && first + count <= rows))
        throw new ShapeError(`rows ${first} to ${first + count - 1} of ${rows} are not there`);
      const start = first * elementCount(rest) * byteSize(this.dtype);
      const shape = this.shape.length === 0 ? [] : [count, ...rest];
      const cell = this.#memory.view(this.#block, start, this.dtype, shape);
      value = new DeviceValue(this.#home, this.dtype, shape, cell, true);
      this.#lent.set(key, value);
    }
    return value;
  }

  read(start: number, target: TypedArray): void {
    this.#check(start, target.length);
    (target as Float32Array).set(this.#all.subarray(start, start + target.length) as Float32Array);
  }

  write(start: number, source: TypedArray): void {
    this.#check(start, source.length);
    (this.#all as Float32Array).set(source as Float32Array, start);
  }

  copy(from: number, to: number, count: number): void {
    this.#check(from, count);
    this.#check(to, count);
    this.#all.copyWithin(to, from, from + count);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const value of this.#lent.values()) value.dispose();
    this.#lent.clear();
    // Values that a run still uses keep the block until its end.
    this.#block.release();
  }

  #check(start: number, count: number): void {
    this.#alive();
    if (!(start >= 0 && start + count <= this.#all.length))
      throw new ShapeError(`elements ${start} to ${start + count - 1} of ${this.#all.length} are not there`);
  }

  #alive(): void {
    if (this.#disposed) throw disposedError('row buffer');
  }
}
