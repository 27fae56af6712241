import { allocateArray, type DType, type TypedArrayOf } from './dtype.ts';
import { ShapeError } from './errors.ts';

/** A tensor in ordinary memory: what goes into a runtime and what comes out of it. Row-major. */
export interface HostTensor<K extends DType = DType> {
  readonly dtype: K;
  readonly shape: readonly number[];
  readonly data: TypedArrayOf[K];
}

/** Number of elements of a static shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dim of shape) count *= dim;
  return count;
}

/** Wraps `data` (or zeros) as a tensor of `shape`. @throws ShapeError when the lengths differ. */
export function hostTensor<K extends DType>(
  dtype: K,
  shape: readonly number[],
  data: TypedArrayOf[K] = allocateArray(dtype, elementCount(shape)),
): HostTensor<K> {
  if (data.length !== elementCount(shape)) {
    throw new ShapeError(
      `a tensor of shape [${shape.join(', ')}] needs ${elementCount(shape)} elements, got ${data.length}`,
    );
  }
  return { dtype, shape: [...shape], data };
}
