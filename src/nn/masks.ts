import { type DType, hostTensor } from '../core/index.ts';
import { add, cast, constant, equal, logicalOr, mul, reshape, sub, type Tensor } from '../graph/index.ts';

/** Added to the scores of forbidden pairs. Finite, so that a row with nothing allowed gives no NaN. */
const FORBIDDEN = -1e9;

/** From a mask of ones (keep) and zeros, any shape, to what is added to attention scores. */
export function additive(mask: Tensor, dtype: DType = 'float32'): Tensor {
  return mul(sub(1, cast(mask, dtype)), FORBIDDEN);
}

/** @param keep [B, S], 1 where a token is real  @returns [B, 1, 1, S] to be added to scores */
export function paddingMask(keep: Tensor): Tensor {
  const [batch, length] = keep.shape;
  return reshape(additive(keep), [batch!, 1, 1, length!]);
}

/** Each token sees itself and those before it. @returns [T, T] to be added to scores */
export function causalMask(length: number): Tensor {
  const mask = hostTensor('float32', [length, length]);
  for (let row = 0; row < length; row++) mask.data.fill(FORBIDDEN, row * length + row + 1, (row + 1) * length);
  return constant(mask);
}

/**
 * Several samples in one row, each of a shared beginning and branches after it: tokens see those before them of their own
 * branch and of the beginning.
 * @param samples [B, T] int64, a number for each sample  @param branches [B, T] int64, 0 in the beginning
 * @returns [B, 1, T, T] to be added to scores
 */
export function branchMask(samples: Tensor, branches: Tensor): Tensor {
  const [batch, length] = samples.shape;
  const beginning = reshape(equal(branches, 0), [batch!, 1, 1, length!]);
  const seen = mul(cast(equalPairs(samples), 'float32'), cast(logicalOr(equalPairs(branches), beginning), 'float32'));
  return add(additive(seen), causalMask(length as number));
}

/**
 * Several samples in one row: tokens see only those of their own segment.
 * @param segments [B, T] int64, a number for each sample  @returns [B, 1, T, T] to be added to scores
 */
export function packedMask(segments: Tensor): Tensor {
  return additive(equalPairs(segments));
}

/** Where two places hold the same number. @param x [B, T]  @returns [B, 1, T, T] bool */
function equalPairs(x: Tensor): Tensor {
  const [batch, length] = x.shape;
  return equal(reshape(x, [batch!, 1, length!, 1]), reshape(x, [batch!, 1, 1, length!]));
}
