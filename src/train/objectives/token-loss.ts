// N tokens of any shape, V vocabulary
import { GraphError } from '../../core/index.ts';
import {
  add,
  cast,
  customGradient,
  div,
  equal,
  exp,
  fromIntegers,
  full,
  gather,
  logicalNot,
  logSoftmax,
  maximum,
  mul,
  neg,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  scatterElements,
  staticShape,
  sub,
  type Tensor,
  where,
} from '../../graph/index.ts';

/** Label of a token that carries no loss, as in PyTorch and in what its users publish. */
export const IGNORED = -100;

export interface TokenLossOptions {
  /** How much each token counts, in the labels' shape; 1 unless given. Ignored tokens count for nothing whatever it says. */
  readonly weights?: Tensor;
  /**
   * Part of the target that is spread evenly over the vocabulary (Szegedy et al. 2016, arXiv 1512.00567, section 7);
   * 0 unless given.
   */
  readonly smoothing?: number;
  readonly ignoreIndex?: number;
}

/**
 * Mean cross-entropy over the tokens that count: Σ wᵢ · −log softmax(logitsᵢ)[labelᵢ] / Σ wᵢ; 0 where none counts, so that a
 * batch without loss moves nothing.
 * @param logits [..., V]  @param labels [...] int64 or int32, those equal to `ignoreIndex` without loss
 * @returns scalar
 */
export function tokenCrossEntropy(logits: Tensor, labels: Tensor, options: TokenLossOptions = {}): Tensor {
  const { ignoreIndex = IGNORED } = options;
  const counts = cast(logicalNot(equal(labels, ignoreIndex)), logits.dtype);
  const weights = options.weights === undefined ? counts : mul(counts, cast(options.weights, logits.dtype));
  const total = reduceSum(mul(tokenLosses(logits, labels, options), weights));
  return div(total, maximum(reduceSum(weights), 1e-6));
}

/**
 * The cross-entropy of each token by itself; 0 for ignored ones.
 * @param logits [..., V]  @param labels [...] int64 or int32
 * @returns the labels' shape
 */
export function tokenLosses(logits: Tensor, labels: Tensor, options: TokenLossOptions = {}): Tensor {
  const { smoothing = 0, ignoreIndex = IGNORED } = options;
  const shape = staticShape(logits.shape, 'logits of a loss');
  const vocabulary = shape.at(-1)!;
  const count = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  if (!(smoothing >= 0 && smoothing < 1)) throw new GraphError(`a label smoothing of ${smoothing} is not in [0, 1)`);
  const rows = reshape(logits, [count, vocabulary]);
  const column = reshape(labels, [count, 1]);
  const ignored = equal(column, ignoreIndex);
  const safe = cast(where(ignored, full([], 0, labels.dtype), column), 'int64');
  const counts = cast(logicalNot(ignored), logits.dtype);

  const logProbabilities = logSoftmax(rows);
  const picked = pickColumns(logProbabilities, safe);
  let losses = neg(picked);
  if (smoothing > 0) losses = sub(mul(losses, 1 - smoothing), mul(reduceMean(logProbabilities, -1, true), smoothing));
  // The gradient is softmax − target, in place of passes over the vocabulary for each operator above.
  const counted = customGradient(mul(losses, counts), [rows], (g) => {
    const towards = scatterElements(
      exp(logProbabilities),
      safe,
      cast(full([count, 1], smoothing - 1), rows.dtype),
      -1,
      'add',
    );
    const difference = smoothing > 0 ? sub(towards, smoothing / vocabulary) : towards;
    return [mul(difference, mul(g, counts))];
  });
  return reshape(counted, labels.shape);
}

/** One number of each row. @param rows [N, V]  @param columns [N, 1] int64  @returns [N, 1] */
export function pickColumns(rows: Tensor, columns: Tensor): Tensor {
  const [count, width] = rows.shape as readonly [number, number];
  // Each number's place among all of them, so that a plain Gather picks it.
  const starts = fromIntegers(
    [count, 1],
    Array.from({ length: count }, (_, i) => i * width),
  );
  return gather(reshape(rows, [count * width, 1]), reshape(add(columns, starts), [count]));
}

/**
 * Share of the rows with a label whose largest logit is the label's. The engine finds the largest number many times as fast as
 * its place.
 * @param logits [N, C]  @param labels [N] int64, −100 where there is none
 */
export function accuracyOf(logits: Tensor, labels: Tensor): Tensor {
  const column = reshape(labels, [-1, 1]);
  const ignored = equal(column, IGNORED);
  const counts = cast(logicalNot(ignored), 'float32');
  const own = pickColumns(logits, where(ignored, full([], 0, 'int64'), column));
  const right = reduceSum(mul(cast(equal(own, reduceMax(logits, -1, true)), 'float32'), counts));
  return div(right, maximum(reduceSum(counts), 1));
}
