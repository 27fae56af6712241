// R rows, C columns of a matrix
import { add, div, matmul, maximum, mul, reduceSum, reshape, sqrt, sub, type Tensor } from '../graph/index.ts';
import { adamW, type Optimizer } from './optimizers.ts';

/** Coefficients of the odd polynomial of degree 5 whose slope at zero is the greatest that still keeps values near 1. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
/** Shortest length that a matrix is divided by. */
const SHORTEST = 1e-7;
/** Of {@link orthogonalized}: three take three fifths of the time, and over a long run it is lost again. */
const ITERATIONS = 5;

/**
 * A matrix with the singular vectors of x and singular values near 1 (0.7 to 1.2), by Newton-Schulz iterations:
 * X ← X / ‖X‖, then again and again S ← X Xᵀ, X ← a X + (b S + c S²) X. Each makes small values 3.4 times as large, so that k = 5
 * bring those above 0.002 near 1; smaller ones stay smaller.
 *
 * They are computed on Y = X / aᵏ with T = S + c/b S² and Y ← Y + b/a T Y, where all factors go into products: that leaves one
 * sum for each product, and no other pass over the matrices.
 * @param x [R, C]  @returns Y [R, C] and the factor aᵏ that is missing
 */
export function orthogonalized(x: Tensor): { direction: Tensor; factor: number } {
  const [rows, columns] = x.shape as readonly [number, number];
  // Of a tall matrix the products of its columns are the smaller square: Xᵀ X, and X (b S + c S²).
  const tall = rows > columns;
  const length = sqrt(reduceSum(mul(x, x)));
  let direction = mul(x, div(1, maximum(length, SHORTEST)));
  let factor = 1;
  for (let i = 0; i < ITERATIONS; i++) {
    const alpha = factor ** 2;
    const square = matmul(direction, direction, tall ? { transA: true, alpha } : { transB: true, alpha });
    const change = add(square, matmul(square, square, { alpha: C / B }));
    const [left, right] = tall ? [direction, change] : [change, direction];
    direction = add(direction, matmul(left, right, { alpha: B / A }));
    factor *= A;
  }
  return { direction, factor };
}

/**
 * Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks") for matrices of hidden layers, and
 * AdamW for all other weights. A matrix steps along its orthogonalised momentum, in Nesterov's form, times
 * 0.2 √max(R, C): then its elements move as much as AdamW's do, and one learning rate and decay serve both (Liu et al. 2025,
 * arXiv 2502.16982, equation 4). All is computed in float32.
 * @param options.kernels whether kernels of hidden layers are such matrices too, [out, in × height × width]; false unless told
 */
export function muon(
  options: {
    betas?: readonly [number, number];
    epsilon?: number;
    momentum?: number;
    kernels?: boolean;
  } = {},
): Optimizer {
  const { momentum = 0.95, kernels = false, ...others } = options;
  return {
    ...adamW(others),
    kind: 'muon',
    kernels,
    matrices: {
      slots: ['momentum'],
      update(weight, gradient, [buffer], { learningRate, keep, gradientScale }) {
        const fresh = mul(gradient, mul(gradientScale, 1 - momentum));
        const next = add(mul(buffer!, momentum), fresh);
        // The momentum as it would be if the same gradient came once more.
        const [rows, ...columns] = weight.shape as readonly number[];
        const shape = [rows!, columns.reduce((product, side) => product * side, 1)];
        const nesterov = reshape(add(mul(next, momentum), fresh), shape);
        const { direction, factor } = orthogonalized(nesterov);
        const size = factor * 0.2 * Math.sqrt(Math.max(...shape));
        const kept = mul(weight, keep);
        const step = reshape(mul(direction, mul(learningRate, size)), weight.shape);
        return { weight: sub(kept, step), slots: [next] };
      },
    },
  };
}
