// B pairs, N candidates, P picture tokens, T text tokens, D width
import {
  add,
  argmax,
  cast,
  concat,
  div,
  equal,
  fromIntegers,
  gather,
  greater,
  less,
  log,
  maximum,
  mul,
  neg,
  reduceSum,
  stopGradient,
  swapAxes,
  type Tensor,
  where,
} from '../../graph/index.ts';
import { IGNORED, tokenCrossEntropy } from './token-loss.ts';

/** A negative for each row, and whether there was any. */
export interface DrawnNegatives {
  /** [B] int64, number of the candidate */
  readonly index: Tensor;
  /** [B], 1 where the row had a candidate that is no match */
  readonly found: Tensor;
}

/**
 * Draws for each row one candidate that does not match, with probability softmax(similarity) among those: the more alike, the
 * likelier, as ALBEF (Li et al. 2021, arXiv 2107.07651, section 3.2) and BLIP (Li et al. 2022, arXiv 2201.12086) draw hard
 * negatives. The largest of logits with Gumbel noise, −log(−log u), is such a draw (Gumbel 1954; Maddison et al. 2014, arXiv
 * 1411.0030). No gradient flows through it.
 * @param similarity [B, N], scaled by the temperature
 * @param matches [B, N], 1 where a candidate is of the row's own concept, itself among them: never drawn
 * @param uniform [B, N] in [0, 1); without it the most similar one is taken
 */
export function drawNegatives(similarity: Tensor, matches: Tensor, uniform?: Tensor): DrawnNegatives {
  const candidates = similarity.shape[1] as number;
  // 1e-20 keeps the logarithm finite; such a number comes once in 2³² draws.
  const noise = uniform && neg(log(neg(log(maximum(uniform, 1e-20)))));
  const logits = stopGradient(similarity);
  const noisy = noise === undefined ? logits : add(logits, noise);
  return {
    index: argmax(where(greater(matches, 0.5), -1e9, noisy)),
    found: cast(less(reduceSum(matches, -1), candidates - 0.5), 'float32'),
  };
}

/** Random numbers for {@link matchingLoss}, [B, B] each. */
export interface MatchingNoise {
  /** For drawing a text for each picture. */
  readonly texts: Tensor;
  /** For drawing a picture for each text. */
  readonly pictures: Tensor;
}

/** Encoded pictures and their texts, which are B pairs. */
export interface MatchingPairs {
  /** [B, P, D] */
  readonly vision: Tensor;
  /** [B, T, D] */
  readonly text: Tensor;
  /** [B, T], 1 where a token is real */
  readonly keep: Tensor;
}

/**
 * Image-text matching (ALBEF, Li et al. 2021, arXiv 2107.07651, equation 3): is this the text of this picture? Cross-entropy
 * over the B pairs, B pictures with a hard negative text each, and B texts with a hard negative picture each, from the batch.
 * @param match from 3B pairs to logits [3B, 2], no or yes, after fusion
 * @param similarity [B, B] of pictures with texts before fusion, scaled by the temperature
 * @param matches [B, B], 1 where picture i and text j belong together
 * @param noise without it, as in evaluation, the most similar negatives are taken
 * @returns the loss, and the part of pairs that were told rightly
 */
export function matchingLoss(
  match: (pairs: MatchingPairs) => Tensor,
  { vision, text, keep }: MatchingPairs,
  similarity: Tensor,
  matches: Tensor,
  noise?: MatchingNoise,
): { loss: Tensor; accuracy: Tensor } {
  const count = vision.shape[0] as number;
  const texts = drawNegatives(similarity, matches, noise?.texts);
  const pictures = drawNegatives(swapAxes(similarity, 0, 1), swapAxes(matches, 0, 1), noise?.pictures);
  const logits = match({
    vision: concat([vision, vision, gather(vision, pictures.index)], 0),
    text: concat([text, gather(text, texts.index), text], 0),
    keep: concat([keep, gather(keep, texts.index), keep], 0),
  });
  const constant = (label: number): Tensor =>
    fromIntegers(
      [count],
      Array.from({ length: count }, () => label),
    );
  const negative = ({ found }: DrawnNegatives): Tensor => where(greater(found, 0.5), constant(0), constant(IGNORED));
  const labels = concat([constant(1), negative(texts), negative(pictures)], 0);
  const counts = cast(greater(labels, -1), 'float32');
  const right = mul(cast(equal(argmax(logits), labels), 'float32'), counts);
  return {
    loss: tokenCrossEntropy(logits, labels),
    accuracy: div(reduceSum(right), reduceSum(counts)),
  };
}
