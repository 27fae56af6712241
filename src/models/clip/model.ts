// B batch, I pictures, T tokens, D width of the text tower, E width of the shared space
import {
  add,
  argmax,
  cast,
  equal,
  fromIntegers,
  matmul,
  reshape,
  slice,
  squeeze,
  tap,
  type Tensor,
} from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { causalMask, initializers, LayerNorm, Linear, Module, paddingMask, Parameter } from '../../nn/index.ts';
import { ClipVisionModel } from '../common/clip-vision.ts';
import { type ImageTextOutput, similarityLogits } from '../common/similarity.ts';
import { TextTowerEmbeddings } from '../common/text-tower.ts';
import type { TextTowerConfig } from '../common/tower-config.ts';
import type { TextEncoder } from '../common/text.ts';
import { type EncoderOutput, Tower } from '../common/tower.ts';
import type { ClipConfig } from './config.ts';

/** CLIP's first files named token 2 as the end of a text although it was another one, the largest of the vocabulary. */
const WRONG_END = 2;

/** The text tower of CLIP: each token sees those before it, and the token that ends the text stands for all of it. */
export class ClipTextModel extends Module implements TextEncoder {
  readonly embeddings: TextTowerEmbeddings;
  readonly encoder: Tower;
  readonly final_layer_norm: LayerNorm;
  readonly config: TextTowerConfig;

  constructor(config: TextTowerConfig) {
    super();
    this.embeddings = new TextTowerEmbeddings(config);
    this.encoder = new Tower(config);
    this.final_layer_norm = new LayerNorm(config.width, config.normEpsilon);
    this.config = config;
  }

  get width(): number {
    return this.config.width;
  }

  /** @param ids [B, T] int64  @param keep [B, T], 1 where a token is real; all by default */
  forward(ids: Tensor, keep?: Tensor): EncoderOutput {
    const causal = this.#positions(causalMask(this.config.maxLength), ids, [0, 1]);
    const mask = keep === undefined ? causal : add(causal, paddingMask(keep));
    const states = this.encoder.forward(tap('embeddings', this.embeddings.forward(ids)), mask);
    const lastHiddenState = this.final_layer_norm.forward(states.at(-1)!);
    return { lastHiddenState, pooled: this.#atEnd(lastHiddenState, ids), states };
  }

  encode(ids: Tensor, keep: Tensor): Tensor {
    return this.forward(ids, keep).lastHiddenState;
  }

  /** Each row of `x` at the first token that ends its text. @param x [B, T, D]  @returns [B, D] */
  #atEnd(x: Tensor, ids: Tensor): Tensor {
    const { endToken, maxLength } = this.config;
    // Ids are below 2²⁴ and thus exact; not every engine has argmax of integers.
    const end = argmax(cast(endToken === WRONG_END ? ids : equal(ids, endToken), 'float32'), -1);
    const all = fromIntegers(
      [1, maxLength],
      Array.from({ length: maxLength }, (_, i) => i),
    );
    const chosen = equal(this.#positions(all, ids, [1]), reshape(end, [ids.shape[0]!, 1]));
    return squeeze(matmul(reshape(cast(chosen, x.dtype), [ids.shape[0]!, 1, ids.shape[1]!]), x), 1);
  }

  /** Cuts a table that is made for the longest text. */
  #positions(table: Tensor, ids: Tensor, axes: readonly number[]): Tensor {
    return axes.reduce((cut, axis) => slice(cut, axis, 0, ids.shape[1]!), table);
  }
}

/** Contrastive pretraining of pictures and texts (Radford et al. 2021, arXiv 2103.00020). */
export class Clip extends Module {
  readonly logit_scale: Parameter;
  readonly text_model: ClipTextModel;
  readonly vision_model: ClipVisionModel;
  readonly text_projection: Linear;
  readonly visual_projection: Linear;
  readonly config: ClipConfig;

  constructor(config: ClipConfig) {
    super();
    const { vision, text, projection, logScale } = config;
    const options = { bias: false, initializer: initializers.normal(0.02) };
    this.logit_scale = new Parameter([], initializers.constantFill(logScale));
    this.text_model = new ClipTextModel(text);
    this.vision_model = new ClipVisionModel(vision);
    this.text_projection = new Linear(text.width, projection, options);
    this.visual_projection = new Linear(vision.width, projection, options);
    this.config = config;
  }

  /** @param pixels [I, 3, H, W]  @returns [I, E] */
  imageFeatures(pixels: Tensor): Tensor {
    return this.visual_projection.forward(this.vision_model.forward(pixels).pooled!);
  }

  /** @param ids [B, T] int64  @param keep [B, T], 1 where a token is real  @returns [B, E] */
  textFeatures(ids: Tensor, keep?: Tensor): Tensor {
    return this.text_projection.forward(this.text_model.forward(ids, keep).pooled!);
  }

  /** @param image [I, E]  @param text [B, E]  @returns [I, B]; a softmax over texts gives probabilities */
  similarity(image: Tensor, text: Tensor): Tensor {
    return similarityLogits(image, text, this.logit_scale.tensor);
  }

  /** @param pixels [I, 3, H, W]  @param ids [B, T] int64  @param keep [B, T], 1 where a token is real */
  forward(pixels: Tensor, ids: Tensor, keep?: Tensor): ImageTextOutput {
    const [imageFeatures, textFeatures] = [this.imageFeatures(pixels), this.textFeatures(ids, keep)];
    return { imageFeatures, textFeatures, logits: this.similarity(imageFeatures, textFeatures) };
  }
}

/** Older files hold the positions' numbers beside the weights. */
const POSITION_IDS = /(^|\.)embeddings\.position_ids$/;

export const clipNames: NamingRules = { ignored: [POSITION_IDS] };
/** For the vision tower alone, from a file of the whole model or of the tower. */
export const clipVisionNames: NamingRules = {
  prefix: 'vision_model.',
  ignored: [POSITION_IDS, /^text_model\./, /^(text|visual)_projection\.weight$/, /^logit_scale$/],
};
/** For the text tower alone. */
export const clipTextNames: NamingRules = {
  prefix: 'text_model.',
  ignored: [POSITION_IDS, /^vision_model\./, /^(text|visual)_projection\.weight$/, /^logit_scale$/],
};
