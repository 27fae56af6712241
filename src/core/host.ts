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

/**
 * Tensors one under another, along their first axis.
 * @param tensors at least one; [Rᵢ, …] of one type, equal but for R
 * @throws ShapeError when they differ
 */
export function joinRows<K extends DType>(tensors: readonly HostTensor<K>[]): HostTensor<K> {
  const [first] = tensors;
  if (first === undefined) throw new ShapeError('there is nothing to join');
  if (tensors.length === 1) return first;
  const rest = first.shape.slice(1);
  const wrong = tensors.find(({ dtype, shape }) => dtype !== first.dtype || shape.slice(1).join() !== rest.join());
  if (wrong !== undefined)
    throw new ShapeError(`rows of [${rest.join(', ')}] and of [${wrong.shape.slice(1).join(', ')}] do not join`);
  const rows = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const joined = hostTensor(first.dtype, [rows, ...rest]);
  let at = 0;
  for (const { data } of tensors) {
    joined.data.set(data as never, at);
    at += data.length;
  }
  return joined;
}
