// B pairs, T tokens, V vocabulary
import { add, mul, reduceMean, swapAxes, type Tensor } from '../../graph/index.ts';
import { divergence, distillationLoss } from './distillation.ts';

/** Part of the target that the momentum model gives (Li et al. 2021, arXiv 2107.07651, section 3.5). */
export const MOMENTUM_SHARE = 0.4;

/**
 * Momentum distillation of the contrastive loss (ALBEF, Li et al. 2021, arXiv 2107.07651, equation 6): (1 − α) of the loss
 * with hard targets, and α/2 · (KL of pictures to texts + KL of texts to pictures) to what the momentum model finds
 * similar. The batch is compared with itself; there is no queue of earlier features.
 * @param contrastive the loss with hard targets, scalar
 * @param logits [B, B], the model's, scaled by the temperature  @param momentum [B, B], the momentum model's, scaled alike
 */
export function distilledContrastive(
  contrastive: Tensor,
  logits: Tensor,
  momentum: Tensor,
  share: number = MOMENTUM_SHARE,
): Tensor {
  const towards = reduceMean(divergence(momentum, logits));
  const back = reduceMean(divergence(swapAxes(momentum, 0, 1), swapAxes(logits, 0, 1)));
  return add(mul(contrastive, 1 - share), mul(add(towards, back), share / 2));
}

/**
 * Momentum distillation of masked language modelling (ALBEF, equation 7): (1 − α) of the loss with the hidden words, and α ·
 * KL to the momentum model's words, over masked tokens.
 * @param masked the loss with hard targets, scalar
 * @param logits [B, T, V]  @param momentum [B, T, V]  @param counts [B, T], 1 where a token is masked
 */
export function distilledMasked(
  masked: Tensor,
  logits: Tensor,
  momentum: Tensor,
  counts: Tensor,
  share: number = MOMENTUM_SHARE,
): Tensor {
  const soft = distillationLoss(logits, momentum, { weights: counts });
  return add(mul(masked, 1 - share), mul(soft, share));
}
