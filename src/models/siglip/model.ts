// B batch, I pictures, T tokens, D width of the text tower, E width of the shared space
import { select, staticShape, tap, type Tensor } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { initializers, LayerNorm, Linear, Module, paddingMask, Parameter } from '../../nn/index.ts';
import { type ImageTextOutput, similarityLogits } from '../common/similarity.ts';
import { SiglipVisionModel } from '../common/siglip-vision.ts';
import { TextTowerEmbeddings } from '../common/text-tower.ts';
import type { TextTowerConfig } from '../common/tower-config.ts';
import type { TextEncoder } from '../common/text.ts';
import { type EncoderOutput, Tower, towerInitializer } from '../common/tower.ts';
import type { SiglipConfig } from './config.ts';

/** The text tower of SigLIP: tokens see each other, and the last one, padding or not, stands for the text. */
export class SiglipTextModel extends Module implements TextEncoder {
  readonly embeddings: TextTowerEmbeddings;
  readonly encoder: Tower;
  readonly final_layer_norm: LayerNorm;
  readonly head: Linear;
  readonly config: TextTowerConfig;

  constructor(config: TextTowerConfig) {
    super();
    this.embeddings = new TextTowerEmbeddings(config);
    this.encoder = new Tower(config);
    this.final_layer_norm = new LayerNorm(config.width, config.normEpsilon);
    this.head = new Linear(config.width, config.projection ?? config.width, { initializer: towerInitializer });
    this.config = config;
  }

  get width(): number {
    return this.config.width;
  }

  /**
   * The model was trained on texts padded to their greatest length, without a mask.
   * @param ids [B, T] int64, T known while tracing  @param keep [B, T], 1 where a token is real; all by default
   */
  forward(ids: Tensor, keep?: Tensor): EncoderOutput {
    const [length] = staticShape(ids.shape.slice(1), "SigLIP's text tower");
    const mask = keep === undefined ? undefined : paddingMask(keep);
    const states = this.encoder.forward(tap('embeddings', this.embeddings.forward(ids)), mask);
    const lastHiddenState = this.final_layer_norm.forward(states.at(-1)!);
    return { lastHiddenState, pooled: this.head.forward(select(lastHiddenState, 1, length! - 1)), states };
  }

  encode(ids: Tensor, keep: Tensor): Tensor {
    return this.forward(ids, keep).lastHiddenState;
  }
}

/** Pretraining of pictures and texts by sigmoids (Zhai et al. 2023, arXiv 2303.15343; SigLIP 2: arXiv 2502.14786). */
export class Siglip extends Module {
  readonly logit_scale: Parameter;
  readonly logit_bias: Parameter;
  readonly text_model: SiglipTextModel;
  readonly vision_model: SiglipVisionModel;
  readonly config: SiglipConfig;

  constructor(config: SiglipConfig) {
    super();
    this.logit_scale = new Parameter([1], initializers.constantFill(Math.log(10)));
    this.logit_bias = new Parameter([1], initializers.constantFill(-10));
    this.text_model = new SiglipTextModel(config.text);
    this.vision_model = new SiglipVisionModel({ ...config.vision, head: true });
    this.config = config;
  }

  /** @param pixels [I, 3, H, W]  @returns [I, E] */
  imageFeatures(pixels: Tensor): Tensor {
    return this.vision_model.forward(pixels).pooled!;
  }

  /** @param ids [B, T] int64  @param keep [B, T], 1 where a token is real; all by default  @returns [B, E] */
  textFeatures(ids: Tensor, keep?: Tensor): Tensor {
    return this.text_model.forward(ids, keep).pooled!;
  }

  /** @param image [I, E]  @param text [B, E]  @returns [I, B]; a sigmoid gives the probability of each pair */
  similarity(image: Tensor, text: Tensor): Tensor {
    return similarityLogits(image, text, this.logit_scale.tensor, this.logit_bias.tensor);
  }

  /** @param pixels [I, 3, H, W]  @param ids [B, T] int64  @param keep [B, T], 1 where a token is real */
  forward(pixels: Tensor, ids: Tensor, keep?: Tensor): ImageTextOutput {
    const [imageFeatures, textFeatures] = [this.imageFeatures(pixels), this.textFeatures(ids, keep)];
    return { imageFeatures, textFeatures, logits: this.similarity(imageFeatures, textFeatures) };
  }
}

/** Older files hold the positions' numbers beside the weights. */
const POSITION_IDS = /(^|\.)embeddings\.position_ids$/;

export const siglipNames: NamingRules = { ignored: [POSITION_IDS] };
/** For the vision tower alone, from a file of the whole model or of the tower. */
export const siglipVisionNames: NamingRules = {
  prefix: 'vision_model.',
  ignored: [POSITION_IDS, /^text_model\./, /^logit_(scale|bias)$/, /^classifier\./],
};
/** For the text tower alone. */
export const siglipTextNames: NamingRules = {
  prefix: 'text_model.',
  ignored: [POSITION_IDS, /^vision_model\./, /^logit_(scale|bias)$/],
};
