// B pictures, T tokens of a caption, V vocabulary
import { slice, type Tensor, where, greater, fromIntegers } from '../../graph/index.ts';
import type { Module } from '../../nn/index.ts';
import type { LossGraph, Trainable } from '../objective.ts';
import { IGNORED, tokenCrossEntropy } from './token-loss.ts';

export interface CaptionOptions {
  /** Tokens at the beginning that are given and not learned, as "a picture of"; the first token is never learned. 1 unless given. */
  readonly prompt?: number;
  /** See {@link tokenCrossEntropy}; BLIP takes 0.1. */
  readonly smoothing?: number;
}

/**
 * Causal language modelling of a caption: each token is foretold from the picture and the tokens before it (BLIP, Li et al. 2022,
 * arXiv 2201.12086, section 3.2, with its label smoothing; the maximum likelihood of Vinyals et al. 2015, arXiv 1411.4555,
 * equation 1).
 * @param logits [B, T, V], those at a token being for the next one  @param ids [B, T] int64
 * @param keep [B, T], 1 where a token is real
 * @returns mean over the tokens that are foretold
 */
export function captionLoss(logits: Tensor, ids: Tensor, keep: Tensor, options: CaptionOptions = {}): Tensor {
  const { prompt = 1, ...rest } = options;
  const first = Math.max(1, prompt);
  const [batch, length] = ids.shape as number[];
  const count = length! - first;
  const nothing = fromIntegers(
    [batch!, count],
    Array.from({ length: batch! * count }, () => IGNORED),
  );
  const labels = where(greater(slice(keep, 1, first), 0.5), slice(ids, 1, first), nothing);
  return tokenCrossEntropy(slice(logits, 1, first - 1, length! - 1), labels, rest);
}

/** What captioning asks of a model. */
export interface CaptioningNetwork extends Module {
  /** Each token sees those before it. @param pixels [B, 3, H, W]  @param ids [B, T] int64  @returns logits [B, T, V] of the next token */
  forward(pixels: Tensor, ids: Tensor): Tensor;
}

/** A model that learns to caption. Batches: `pixels`, `caption_ids`, `caption_mask`. */
export class CaptioningTraining implements Trainable {
  readonly model: Module;
  readonly #network: CaptioningNetwork;
  readonly #options: CaptionOptions;

  constructor(network: CaptioningNetwork, options: CaptionOptions = {}) {
    this.model = network;
    this.#network = network;
    this.#options = options;
  }

  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const [ids, keep] = [batch['caption_ids']!, batch['caption_mask']!];
    const logits = this.#network.forward(batch['pixels']!, ids);
    return { loss: captionLoss(logits, ids, keep, this.#options), figures: {} };
  }
}
