/**
 * Gradient-weighted relevance through attention (Chefer et al. 2021, arXiv 2103.15679): the paper's rules 5 to 11 as graphs.
 * R^{xy}, [X, Y], says how much each token of stream x owes to each token of stream y; between streams it begins with zeros,
 * within one with the identity.
 */
// B batch, N heads, T and S tokens of the stream that asks, Q tokens of the stream that is asked
import { hostTensor } from '../../core/index.ts';
import {
  add,
  constant,
  div,
  equal,
  matmul,
  mul,
  reduceMean,
  reduceSum,
  relu,
  sub,
  type Tensor,
  where,
} from '../../graph/index.ts';

/**
 * Rule 5: Ā = E_h((∇A ⊙ A)⁺), the mean over heads of what speaks for the explained output.
 * @param map A, [B, N, T, Q]  @param gradient of the output with respect to it  @returns [B, T, Q]
 */
export function headRelevance(map: Tensor, gradient: Tensor): Tensor {
  return reduceMean(relu(mul(gradient, map)), 1);
}

/** Rules 6 and 7, self-attention: R + Ā R. @param attention Ā, [T, T]  @param relevance R, [T, ·] */
export function throughSelfAttention(attention: Tensor, relevance: Tensor): Tensor {
  return add(relevance, matmul(attention, relevance));
}

/**
 * The same for one row of R alone, in the order from the last layer to the first: of (I + Ā_L) ⋯ (I + Ā_1) a row is r (I + Ā_l),
 * which takes no product of matrices.
 * @param row r, [K, T]  @param attention Ā, [T, T]
 */
export function rowThroughSelfAttention(row: Tensor, attention: Tensor): Tensor {
  return add(row, matmul(row, attention));
}

/** Rules 8 and 9: R̂ = R − I with rows brought to a sum of 1, and I again. @param relevance of a stream to itself, [T, T] */
export function normalizedRelevance(relevance: Tensor): Tensor {
  const one = identity(relevance.shape[0] as number);
  const gathered = sub(relevance, one);
  const sums = reduceSum(gathered, -1, true);
  // Before any self-attention nothing is gathered yet.
  return add(div(gathered, where(equal(sums, 0), 1, sums)), one);
}

/** What is known of two streams of which one, s, asks the other, q. */
export interface TwoStreams {
  /** [S, S] */
  readonly within: Tensor;
  /** [Q, Q] */
  readonly withinOther: Tensor;
  /** [S, Q] */
  readonly across: Tensor;
  /** [Q, S]; absent where the other stream never asks, as an encoder does not ask its decoder. */
  readonly back?: Tensor | undefined;
}

/**
 * Rules 10 and 11, attention to another stream: R^{sq} + (R̄^{ss})ᵀ Ā R̄^{qq}, and R^{ss} + Ā R^{qs}.
 * @param attention Ā, [S, Q]
 */
export function throughCrossAttention(
  attention: Tensor,
  { within, withinOther, across, back }: TwoStreams,
): { readonly within: Tensor; readonly across: Tensor } {
  const mixed = matmul(normalizedRelevance(within), matmul(attention, normalizedRelevance(withinOther)), {
    transA: true,
  });
  return {
    across: add(across, mixed),
    within: back === undefined ? within : add(within, matmul(attention, back)),
  };
}

/** Attention rollout (Abnar and Zuidema 2020, arXiv 2005.00928): Â = ½ E_h(A) + ½ I. @param map [1, N, T, T]  @returns [T, T] */
export function rowThroughRollout(row: Tensor, map: Tensor): Tensor {
  const mean = reduceMean(map, [0, 1]);
  return mul(add(row, matmul(row, mean)), 0.5);
}

export function identity(size: number): Tensor {
  const data = hostTensor('float32', [size, size]);
  for (let i = 0; i < size; i++) data.data[i * size + i] = 1;
  return constant(data);
}
