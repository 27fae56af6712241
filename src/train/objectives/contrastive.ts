// B pairs, A width of the shared space
import {
  add,
  cast,
  crossEntropy,
  equal,
  exp,
  greater,
  l2Normalize,
  less,
  logSigmoid,
  logSoftmax,
  matmul,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  sub,
  swapAxes,
  div,
  type Tensor,
} from '../../graph/index.ts';

/**
 * Contrastive loss in CLIP's form (Radford et al. 2021, arXiv 2103.00020, figure 3): each picture against all texts of
 * the batch and each text against all pictures.
 * @param vision [B, A] of length 1  @param text [B, A] of length 1
 * @param logScale scalar, logarithm of the inverse temperature
 * @param targets [B, B], symmetric, rows sum to one; see {@link sharedTargets}
 */
export function clipLoss(vision: Tensor, text: Tensor, logScale: Tensor, targets: Tensor): Tensor {
  const logits = mul(matmul(vision, text, { transB: true }), exp(logScale));
  const side = (scores: Tensor): Tensor => neg(reduceMean(reduceSum(mul(logSoftmax(scores), targets), -1)));
  return mul(add(side(logits), side(swapAxes(logits, 0, 1))), 0.5);
}

/**
 * Contrastive loss in SigLIP's form (Zhai et al. 2023, arXiv 2303.15343, algorithm 1): every pair on its own.
 * @param matches [B, B], 1 where picture i and text j belong together
 * @param bias scalar, −10 at the start
 */
export function siglipLoss(vision: Tensor, text: Tensor, logScale: Tensor, bias: Tensor, matches: Tensor): Tensor {
  const logits = add(mul(matmul(vision, text, { transB: true }), exp(logScale)), bias);
  const signs = sub(mul(matches, 2), 1);
  return neg(reduceMean(reduceSum(logSigmoid(mul(logits, signs)), -1)));
}

/**
 * Features against one learned vector for each concept, which those of a concept are drawn to and all others pushed away
 * from: a sample is told from all concepts, not only from those of its batch (Movshovitz-Attias et al. 2017, arXiv
 * 1703.07464, with a softmax over unit vectors and a learned temperature).
 * @param features [B, A] of length 1  @param vectors [concepts, A], of any length
 * @param logScale scalar, logarithm of the inverse temperature  @param concept [B] int64
 */
export function prototypeLoss(features: Tensor, vectors: Tensor, logScale: Tensor, concept: Tensor): Tensor {
  return crossEntropy(mul(matmul(features, l2Normalize(vectors), { transB: true }), exp(logScale)), concept);
}

/**
 * Texts against all concepts' vectors, where a text may be true of several: the mean over its concepts of the negative
 * log-probability, as in supervised contrastive learning (Khosla et al. 2020, arXiv 2004.11362, equation 2) with learned
 * vectors in place of other samples. Concepts of which nothing is known do not count.
 * @param features [M, A] of length 1  @param vectors [concepts, A], of any length
 * @param logScale scalar, logarithm of the inverse temperature
 * @param truth [M, concepts]: 1 true, 0 false, −1 unknown; at least one true in every row
 */
export function truthLoss(features: Tensor, vectors: Tensor, logScale: Tensor, truth: Tensor): Tensor {
  const logits = mul(matmul(features, l2Normalize(vectors), { transB: true }), exp(logScale));
  const unknown = cast(less(truth, -0.5), 'float32');
  const logProbabilities = logSoftmax(sub(logits, mul(unknown, 1e4)));
  const targets = sharedTargets(cast(greater(truth, 0.5), 'float32'));
  return neg(reduceMean(reduceSum(mul(logProbabilities, targets), -1)));
}

/** [B, B]: 1 where two rows are of the same class. @param classes [B] int64 */
export function sameClass(classes: Tensor): Tensor {
  const [count] = classes.shape;
  return cast(equal(reshape(classes, [count!, 1]), reshape(classes, [1, count!])), 'float32');
}

/** Rows that sum to one. @param matches [B, N] with at least one match in every row */
export function sharedTargets(matches: Tensor): Tensor {
  return div(matches, reduceSum(matches, -1, true));
}
