/** What LLaVA and LLaVA-OneVision share: a tower whose blocks are chosen from, and the layers that lead to the decoder. */
// I tiles, T tokens of a tile, E width of the tower, D width of the decoder
import { concat, slice, type Tensor } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { activate, type Activation, Linear, Module } from '../../nn/index.ts';
import { ClipVisionModel } from './clip-vision.ts';
import { decoderNames } from './decoder-names.ts';
import type { LlavaPartsConfig } from './llava-config.ts';
import { SiglipVisionModel } from './siglip-vision.ts';

/** The tower under the name that checkpoints give it. */
export class VisionTower extends Module {
  readonly vision_model: ClipVisionModel | SiglipVisionModel;
  readonly #blocks: readonly number[];
  readonly #dropped: number;

  constructor({ vision, blocks, keepFirst }: LlavaPartsConfig) {
    super();
    const { kind, ...sizes } = vision;
    this.vision_model = kind === 'clip' ? new ClipVisionModel(sizes) : new SiglipVisionModel(sizes);
    this.#blocks = blocks;
    this.#dropped = keepFirst ? 0 : 1;
  }

  /**
   * What comes out of the chosen blocks, side by side.
   * @param pixels [I, 3, H, W]  @returns [I, T, blocks · E], without the first token unless it is kept
   */
  forward(pixels: Tensor): Tensor {
    const { states } = this.vision_model.forward(pixels);
    const chosen = concat(
      this.#blocks.map((block) => states[block]!),
      -1,
    );
    return this.#dropped === 0 ? chosen : slice(chosen, 1, this.#dropped);
  }
}

/** Two layers from the width of the tower to that of the decoder (Liu et al. 2023, arXiv 2310.03744, section 3.3). */
export class MultimodalProjector extends Module {
  readonly linear_1: Linear;
  readonly linear_2: Linear;
  readonly #activation: Activation;

  constructor({ vision, text, blocks, projector: { activation, bias } }: LlavaPartsConfig) {
    super();
    this.linear_1 = new Linear(vision.width * blocks.length, text.width, { bias });
    this.linear_2 = new Linear(text.width, text.width, { bias });
    this.#activation = activation;
  }

  /** @param x [..., blocks · E]  @returns [..., D] */
  forward(x: Tensor): Tensor {
    return this.linear_2.forward(activate(this.linear_1.forward(x), this.#activation));
  }
}

/**
 * Names in released files: `vision_tower.vision_model.…`, `language_model.model.…`, `language_model.lm_head.weight`. Files
 * written by Transformers from version 4.52 on have `model.` in front and the output layer at the root; version 5 leaves out
 * `vision_model.`.
 */
export function llavaNames(config: LlavaPartsConfig): NamingRules {
  const { ignored = [] } = decoderNames(config.text.tied);
  return {
    renamed: [
      [/^model\.(?=vision_tower\.|multi_modal_projector\.|image_newline$)/, ''],
      [/^vision_tower\.(?!vision_model\.)/, 'vision_tower.vision_model.'],
      [/^model\.language_model\./, 'language_model.model.'],
      [/^lm_head\./, 'language_model.lm_head.'],
    ],
    inMemory: [
      [/^vision_tower\.vision_model\./, 'model.vision_tower.'],
      [/^language_model\.model\./, 'model.language_model.'],
      [/^language_model\.lm_head\./, 'lm_head.'],
      [/^/, 'model.'],
    ],
    ignored: [
      ...ignored,
      /(^|\.)embeddings\.position_ids$/,
      ...(config.text.tied ? [/^language_model\.lm_head\.weight$/] : []),
    ],
  };
}
