/** Relevance in models whose two towers meet only at their ends: CLIP and SigLIP. */
// B texts, T tokens of a text, P patches
import { gradients } from '../../autodiff/index.ts';
import { fromNumbers, input, slice, squeeze, type Tensor, trace } from '../../graph/index.ts';
import type { Clip, Siglip } from '../../models/index.ts';
import {
  headRelevance,
  identity,
  rowThroughSelfAttention,
  throughCrossAttention,
  throughSelfAttention,
} from './relevance.ts';

/** Names of the inputs. */
export const PAIR = {
  /** [1, 3, H, W] */
  pixels: 'pixels',
  /** [B, T] int64, and whether a token is real. */
  ids: 'ids',
  keep: 'keep',
  /** [1, B]: by how much each text's logit counts in what is differentiated. */
  seed: 'seed',
} as const;

const MAPS = /^vision_model\..*weights$/;

/**
 * How well texts fit a picture, and what of the picture that owes to (Chefer et al. 2021, arXiv 2103.15679): rules 5 and 6 through
 * the tower, for the class token of CLIP; where SigLIP's probe asks the patches at the end, rule 10.
 * @returns `logits` [1, B], and `relevance` [1, P]
 */
export function pairGraph(
  model: Clip | Siglip,
  texts: readonly [count: number, length: number],
  masked: boolean,
): Record<string, Tensor> {
  const { imageSize } = model.config.vision;
  const pixels = input(PAIR.pixels, 'float32', [1, 3, imageSize, imageSize]);
  const ids = input(PAIR.ids, 'int64', texts);
  const keep = masked ? input(PAIR.keep, 'float32', texts) : undefined;
  const { result, taps } = trace(() => model.forward(pixels, ids, keep).logits);
  const maps = [...taps].filter(([name]) => MAPS.test(name)).map(([, tensor]) => tensor);
  const found = gradients(result, maps, input(PAIR.seed, 'float32', [1, texts[0]]));
  const attentions = maps.map((map, i) => squeeze(headRelevance(map, found[i]!), 0));
  return { logits: result, relevance: readOut(attentions, model.vision_model.prefix) };
}

/** @param attentions Ā in the order of the layers, a probe's at the end where there is one  @param prefix tokens before the patches */
function readOut(attentions: readonly Tensor[], prefix: number): Tensor {
  const size = attentions[0]!.shape[0] as number;
  if (prefix > 0) {
    const first = slice(identity(size), 0, 0, 1);
    return slice(attentions.reduceRight(rowThroughSelfAttention, first), 1, prefix);
  }
  const layers = attentions.slice(0, -1);
  const patches = layers.reduce((sum, attention) => throughSelfAttention(attention, sum), identity(size));
  return throughCrossAttention(attentions.at(-1)!, {
    within: identity(1),
    withinOther: patches,
    across: fromNumbers([1, size], new Float32Array(size)),
  }).across;
}
