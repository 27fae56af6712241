import { GraphError } from '../../core/index.ts';
import { apply } from '../apply.ts';
import { countElements, type Dim, divideDims, normalizeAxis, sameShape, type Shape } from '../dims.ts';
import type { Tensor } from '../tensor.ts';

/** The same elements in another shape; one dimension may be -1 and is worked out. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const open = shape.indexOf(-1);
  let full = shape;
  if (open >= 0) {
    const rest = countElements(shape.filter((_, i) => i !== open));
    const size = divideDims(countElements(x.shape), rest);
    if (size === undefined)
      throw new GraphError(`reshape of [${x.shape.join(', ')}] to [${shape.join(', ')}]: -1 cannot be worked out`);
    full = shape.map((dim, i) => (i === open ? size : dim));
  }
  return sameShape(full, x.shape) ? x : apply('reshape', [x], { shape: full });
}

/** Reorders dimensions: output dimension i is input dimension `permutation[i]`. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  return permutation.every((axis, i) => axis === i) && permutation.length === x.rank
    ? x
    : apply('transpose', [x], { permutation });
}

/** Swaps two dimensions. */
export function swapAxes(x: Tensor, a: number, b: number): Tensor {
  const order = x.shape.map((_, i) => i);
  const [i, j] = [normalizeAxis(a, x.rank), normalizeAxis(b, x.rank)];
  [order[i], order[j]] = [order[j]!, order[i]!];
  return transpose(x, order);
}

/** Broadcasts to a shape. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply('expand', [x], { shape });
}

/** Inserts a dimension of size 1 before `axis` (counted in the result). */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Removes a dimension of size 1. */
export function squeeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.rank);
  return reshape(
    x,
    x.shape.filter((_, i) => i !== at),
  );
}

/** Elements `start` to `end` (not included, by default the whole rest) of one axis. */
export function slice(x: Tensor, axis: number, start: number, end?: Dim, step = 1): Tensor {
  const at = normalizeAxis(axis, x.rank);
  return apply('slice', [x], { axis: at, start, end: end ?? x.shape[at]!, step });
}

/** One element of an axis, which disappears. */
export function select(x: Tensor, axis: number, index: number): Tensor {
  return squeeze(slice(x, axis, index, index + 1), axis);
}

/** Cuts an axis into `parts` equal pieces. */
export function chunk(x: Tensor, axis: number, parts: number): Tensor[] {
  const at = normalizeAxis(axis, x.rank);
  const size = x.shape[at]!;
  if (typeof size !== 'number' || size % parts !== 0)
    throw new GraphError(`cannot cut a size of ${size} into ${parts} equal parts`);
  const length = size / parts;
  return Array.from({ length: parts }, (_, i) => slice(x, at, i * length, (i + 1) * length));
}

/** Joins tensors along an axis. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  if (tensors.length === 0) throw new GraphError('concat needs at least one tensor');
  return tensors.length === 1 ? tensors[0]! : apply('concat', tensors, { axis: normalizeAxis(axis, tensors[0]!.rank) });
}

/** Adds `before[i]` and `after[i]` elements of `value` around dimension i. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  return [...before, ...after].every((amount) => amount === 0) ? x : apply('pad', [x], { before, after, value });
}

/** Picks entries of an axis by index: the axis is replaced by the dimensions of `indices`. */
export function gather(x: Tensor, indices: Tensor, axis = 0): Tensor {
  return apply('gather', [x, indices], { axis: normalizeAxis(axis, x.rank) });
}

/** Sums rows into a table: result[indices[i]] += updates[i]. @param updates [...indices, D]  @returns [rows, D] */
export function scatterAddRows(indices: Tensor, updates: Tensor, rows: number): Tensor {
  return apply('scatterAddRows', [indices, updates], { rows });
}

/** A copy of `data` with `updates` written (or added) at `indices` along an axis, as in ONNX's ScatterElements. */
export function scatterElements(
  data: Tensor,
  indices: Tensor,
  updates: Tensor,
  axis: number,
  reduction: 'none' | 'add' = 'none',
): Tensor {
  return apply('scatterElements', [data, indices, updates], { axis: normalizeAxis(axis, data.rank), reduction });
}
