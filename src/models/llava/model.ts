// I tiles, B batch, T tokens, D width, F rows of features
import { input, reshape, type Tensor } from '../../graph/index.ts';
import { type KeyValueCache, Module } from '../../nn/index.ts';
import { CausalLM } from '../common/decoder.ts';
import type { GenerationShape, ImageTextModel, Reading } from '../common/generating.ts';
import type { LlavaPartsConfig } from '../common/llava-config.ts';
import { MultimodalProjector, VisionTower } from '../common/llava-parts.ts';

/**
 * LLaVA 1.5 (Liu et al. 2023, arXiv 2310.03744): the patches of CLIP's last block but one, through two layers, stand as
 * tokens in the text of a Llama.
 */
export class Llava extends Module implements ImageTextModel {
  readonly vision_tower: VisionTower;
  readonly multi_modal_projector: MultimodalProjector;
  readonly language_model: CausalLM;
  readonly config: LlavaPartsConfig;

  constructor(config: LlavaPartsConfig) {
    super();
    this.vision_tower = new VisionTower(config);
    this.multi_modal_projector = new MultimodalProjector(config);
    this.language_model = new CausalLM(config.text);
    this.config = config;
  }

  get generation(): GenerationShape {
    return this.language_model.generation;
  }

  get imageToken(): number {
    return this.config.imageToken;
  }

  get independentTiles(): boolean {
    return true;
  }

  pictureInputs(): { readonly pixel_values: Tensor } {
    const { imageSize, channels } = this.config.vision;
    return { pixel_values: input('pixel_values', 'float32', ['tiles', channels, imageSize, imageSize]) };
  }

  /** @param inputs.pixel_values [I, 3, H, W]  @returns [F, D], those of one tile after those of the other */
  pictureFeatures(inputs: Readonly<Record<string, Tensor>>): Tensor {
    const states = this.vision_tower.forward(inputs['pixel_values']!);
    return reshape(this.multi_modal_projector.forward(states), [-1, this.config.text.width]);
  }

  /** @param ids [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor {
    return this.language_model.embed(ids);
  }

  forwardCached(embeddings: Tensor, chosen: Tensor, cache: KeyValueCache): Tensor {
    return this.language_model.forwardCached(embeddings, chosen, cache);
  }

  /** @param ids [B, T] int64  @returns logits [B, T, V], or [N, V] of the chosen tokens */
  read(ids: Tensor, reading: Reading = {}): Tensor {
    return this.language_model.read(ids, reading);
  }

  /**
   * As in training. @param inputs all pictures, as in `pictureInputs`  @param ids [B, T] int64
   * @param places [B, T] int64, as in `placeFeatures`
   * @returns logits [B, T, V]
   */
  forward(inputs: Readonly<Record<string, Tensor>>, ids: Tensor, places: Tensor): Tensor {
    return this.read(ids, { features: this.pictureFeatures(inputs), places });
  }
}
