import { apply } from '../apply.ts';
import type { Tensor } from '../tensor.ts';

/**
 * alpha · A B over the last two dimensions, the others broadcast.
 * @param a [..., M, K], or [..., K, M] with `transA`
 * @param b [..., K, N], or [..., N, K] with `transB`
 * @returns [..., M, N]
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transA = false, transB = false, alpha = 1 }: { transA?: boolean; transB?: boolean; alpha?: number } = {},
): Tensor {
  return apply('matmul', [a, b], { transA, transB, alpha });
}

/**
 * x Wᵀ + b over the last dimension.
 * @param x [..., in]  @param weight [out, in]  @param bias [out]
 * @returns [..., out]
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return apply('linear', bias === undefined ? [x, weight] : [x, weight, bias], {});
}
