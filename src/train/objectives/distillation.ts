// C classes, D width of features
import {
  exp,
  logSoftmax,
  mul,
  reduceMean,
  reduceSum,
  stopGradient,
  sub,
  type Tensor,
  div,
  maximum,
} from '../../graph/index.ts';

/**
 * KL(q ‖ p) of each row, q being the softmax of the teacher's logits and p of the student's.
 * @param teacher [..., C], through which no gradient flows  @param student [..., C]
 * @returns [...]
 */
export function divergence(teacher: Tensor, student: Tensor): Tensor {
  const target = logSoftmax(stopGradient(teacher));
  return reduceSum(mul(exp(target), sub(target, logSoftmax(student))), -1);
}

export interface DistillationOptions {
  /** Both sides' logits are divided by it, so that small probabilities count; 1 unless given. */
  readonly temperature?: number;
  /** How much each row counts, in the logits' shape without the last dimension; 1 unless given. */
  readonly weights?: Tensor;
}

/**
 * Knowledge distillation (Hinton et al. 2015, arXiv 1503.02531, section 2): T² · KL(softmax(teacher / T) ‖ softmax(student /
 * T)), the mean over rows. T² keeps the size of the gradients, which shrink by it; KL has the gradient of the paper's
 * cross-entropy with soft targets and is 0 where both sides agree.
 * @param student [..., C]  @param teacher [..., C], of a bigger model
 * @returns scalar
 */
export function distillationLoss(student: Tensor, teacher: Tensor, options: DistillationOptions = {}): Tensor {
  const { temperature = 1, weights } = options;
  const rows = divergence(mul(teacher, 1 / temperature), mul(student, 1 / temperature));
  return mul(weighted(rows, weights), temperature * temperature);
}

/**
 * Features drawn to a teacher's (Romero et al. 2015, arXiv 1412.6550, equation 3): ½ ‖teacher − student‖², the mean over rows.
 * @param student [..., D], brought to the teacher's width by a layer that is learned with it  @param teacher [..., D]
 * @param weights how much each row counts, [...]; 1 unless given
 */
export function featureLoss(student: Tensor, teacher: Tensor, weights?: Tensor): Tensor {
  const difference = sub(student, stopGradient(teacher));
  return mul(weighted(reduceSum(mul(difference, difference), -1), weights), 0.5);
}

/** Mean of what each row gives; 0 where none counts. */
function weighted(rows: Tensor, weights: Tensor | undefined): Tensor {
  if (weights === undefined) return reduceMean(rows);
  return div(reduceSum(mul(rows, weights)), maximum(reduceSum(weights), 1e-6));
}
