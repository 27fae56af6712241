import { GraphError } from '../../core/index.ts';
import { apply, applyAll } from '../apply.ts';
import { broadcastShapes, countElements, normalizeAxis, sameShape, type Shape } from '../dims.ts';
import type { Tensor } from '../tensor.ts';
import { add, div, mul, sqrt } from './elementwise.ts';
import { reshape } from './layout.ts';

function resolveAxes(x: Tensor, axes: number | readonly number[] | undefined): number[] {
  if (axes === undefined) return x.shape.map((_, i) => i);
  return (typeof axes === 'number' ? [axes] : [...axes])
    .map((axis) => normalizeAxis(axis, x.rank))
    .sort((a, b) => a - b);
}

/** Sum over axes (all of them by default). */
export function reduceSum(x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor {
  const resolved = resolveAxes(x, axes);
  return resolved.length === 0 ? x : apply('reduceSum', [x], { axes: resolved, keepDims });
}

/** Mean over axes (all of them by default), whose sizes must be known while tracing. */
export function reduceMean(x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor {
  const resolved = resolveAxes(x, axes);
  const count = countElements(resolved.map((axis) => x.shape[axis]!));
  if (typeof count !== 'number')
    throw new GraphError(
      `mean over ${count} elements, a count that is not known while tracing`,
      "divide a sum by a mask's sum",
    );
  return mul(reduceSum(x, resolved, keepDims), 1 / count);
}

/** Largest element over axes; where several are equal they share the gradient. */
export function reduceMax(x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor {
  return apply('reduceMax', [x], { axes: resolveAxes(x, axes), keepDims });
}

/** Index of the largest element of an axis, the first one of equals, as int64. */
export function argmax(x: Tensor, axis = -1): Tensor {
  return apply('argmax', [x], { axis: normalizeAxis(axis, x.rank) });
}

/** Softmax over the last dimension. */
export function softmax(x: Tensor): Tensor {
  return apply('softmax', [x], {});
}

/** Logarithm of the softmax over the last dimension. */
export function logSoftmax(x: Tensor): Tensor {
  return apply('logSoftmax', [x], {});
}

/**
 * Layer normalisation over the last dimension (Ba et al. 2016, arXiv 1607.06450).
 * @param scale [D]  @param bias [D]
 */
export function layerNorm(x: Tensor, scale?: Tensor, bias?: Tensor, epsilon = 1e-5): Tensor {
  if (bias !== undefined && scale === undefined) throw new GraphError('a layer norm with a bias needs a scale');
  const inputs = [x, scale, bias].filter((tensor) => tensor !== undefined);
  return applyAll('layerNorm', inputs, { epsilon })[0]!;
}

/** Root-mean-square normalisation over the last dimension (Zhang and Sennrich 2019, arXiv 1910.07467). @param scale [D] */
export function rmsNorm(x: Tensor, scale: Tensor, epsilon = 1e-6): Tensor {
  return apply('rmsNorm', [x, scale], { epsilon });
}

/**
 * Mean cross-entropy of softmax(logits) against class labels.
 * @param logits [..., C]  @param labels [...] int64; rows with `ignoreIndex` count for nothing
 */
export function crossEntropy(logits: Tensor, labels: Tensor, ignoreIndex = -100): Tensor {
  return apply('crossEntropy', [logits, labels], { ignoreIndex });
}

/** x / ‖x‖₂ over the last dimension. */
export function l2Normalize(x: Tensor, epsilon = 1e-12): Tensor {
  return div(x, sqrt(add(reduceSum(mul(x, x), -1, true), epsilon)));
}

/** Sums a broadcast result back to the shape that was broadcast. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.rank - shape.length;
  const axes = x.shape.flatMap((dim, i) => (i < extra || (shape[i - extra] === 1 && dim !== 1) ? [i] : []));
  if (broadcastShapes(x.shape, shape) === undefined)
    throw new GraphError(`cannot sum [${x.shape.join(', ')}] to [${shape.join(', ')}]`);
  return reshape(reduceSum(x, axes), shape);
}
