import { allocateArray, type DType, elementCount, hostTensor, type TypedArray } from '../../core/index.ts';
import type { RowBuffer, Runtime, Value } from '../../runtime/types.ts';

/**
 * A tensor with a row for each place of a batch. Programs are lent as many of its rows as they run over. All calls are made
 * by one owner, one after another, and never while a run is under way that was lent some of the rows.
 */
export interface RowTensor {
  readonly shape: readonly number[];
  /** Rows always come as the same values, so that they may be kept. */
  readonly steady: boolean;
  /** Rows first … first + count − 1, [count, …]. */
  lend(first: number, count: number): Value | Promise<Value>;
  /** Copies elements from `start` on. */
  read(start: number, target: TypedArray): void | Promise<void>;
  write(start: number, source: TypedArray): void | Promise<void>;
  /** Copies `count` elements from `from` on to `to`. */
  copy(from: number, to: number, count: number): void | Promise<void>;
  dispose(): void;
}

/** Rows in native memory where the runtime can give views of it, and elsewhere rows that are carried to and fro. */
export function createRowTensor(runtime: Runtime, dtype: DType, shape: readonly number[]): RowTensor {
  return runtime.allocateRows === undefined
    ? new CarriedRows(runtime, dtype, shape)
    : new ViewedRows(runtime.allocateRows(dtype, shape));
}

class ViewedRows implements RowTensor {
  readonly shape: readonly number[];
  readonly steady = true;
  readonly #rows: RowBuffer;

  constructor(rows: RowBuffer) {
    this.shape = rows.shape;
    this.#rows = rows;
  }

  lend(first: number, count: number): Value {
    return this.#rows.rows(first, count);
  }

  read(start: number, target: TypedArray): void {
    this.#rows.read(start, target);
  }

  write(start: number, source: TypedArray): void {
    this.#rows.write(start, source);
  }

  copy(from: number, to: number, count: number): void {
    this.#rows.copy(from, to, count);
  }

  dispose(): void {
    this.#rows.dispose();
  }
}

/** Rows that a program has, or had in its last run. */
interface LentRows {
  readonly first: number;
  readonly count: number;
  readonly value: Value;
  /** The copy in ordinary memory holds the same. */
  same: boolean;
}

/**
 * Where the engine gives no views, all rows lie in ordinary memory, and those that a program runs over in values of their own
 * for as long as the same ones are asked for: a batch whose rows stay costs nothing more; one that changes is read and
 * written once.
 */
class CarriedRows implements RowTensor {
  readonly shape: readonly number[];
  readonly steady = false;
  readonly #runtime: Runtime;
  readonly #dtype: DType;
  readonly #all: TypedArray;
  readonly #rowSize: number;
  #lent: LentRows[] = [];

  constructor(runtime: Runtime, dtype: DType, shape: readonly number[]) {
    this.shape = shape;
    this.#runtime = runtime;
    this.#dtype = dtype;
    this.#all = allocateArray(dtype, elementCount(shape));
    this.#rowSize = elementCount(shape.slice(1));
  }

  async lend(first: number, count: number): Promise<Value> {
    let lent = this.#lent.find((one) => one.first === first && one.count === count);
    if (lent === undefined) {
      await this.#bringBack(first * this.#rowSize, (first + count) * this.#rowSize, true);
      const data = this.#all.subarray(first * this.#rowSize, (first + count) * this.#rowSize);
      const shape = this.shape.length === 0 ? [] : [count, ...this.shape.slice(1)];
      const tensor = hostTensor(this.#dtype, shape, data as never);
      lent = { first, count, value: await this.#runtime.allocate(this.#dtype, shape, tensor), same: true };
      this.#lent.push(lent);
    }
    // The run may write to it.
    lent.same = false;
    return lent.value;
  }

  async read(start: number, target: TypedArray): Promise<void> {
    await this.#bringBack(start, start + target.length, false);
    (target as Float32Array).set(this.#all.subarray(start, start + target.length) as Float32Array);
  }

  async write(start: number, source: TypedArray): Promise<void> {
    await this.#bringBack(start, start + source.length, true);
    (this.#all as Float32Array).set(source as Float32Array, start);
  }

  async copy(from: number, to: number, count: number): Promise<void> {
    await this.#bringBack(from, from + count, false);
    await this.#bringBack(to, to + count, true);
    this.#all.copyWithin(to, from, from + count);
  }

  /** What was lent of these elements comes back. @param taken whether it is no longer what a program may be given */
  async #bringBack(start: number, end: number, taken: boolean): Promise<void> {
    const kept: LentRows[] = [];
    for (const lent of this.#lent) {
      const [from, to] = [lent.first * this.#rowSize, (lent.first + lent.count) * this.#rowSize];
      const touched = from < end && start < to;
      if (touched && !lent.same) {
        const shape = lent.value.shape;
        await lent.value.read(hostTensor(this.#dtype, shape, this.#all.subarray(from, to) as never));
        lent.same = true;
      }
      if (touched && taken) lent.value.dispose();
      else kept.push(lent);
    }
    this.#lent = kept;
  }

  dispose(): void {
    for (const { value } of this.#lent.splice(0)) value.dispose();
  }
}
