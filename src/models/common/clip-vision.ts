// B batch, H height, W width, P patches, D width
import { add, concat, expand, reshape, select, tap, type Tensor } from '../../graph/index.ts';
import { Conv2d, Embedding, LayerNorm, Module, Parameter } from '../../nn/index.ts';
import { checkPictures, flattenGrid } from './patches.ts';
import { type EncoderOutput, Tower, type TowerConfig, towerInitializer } from './tower.ts';
import type { VisionEncoder } from './vision.ts';

/** Sizes of the vision tower of CLIP and of SigLIP. */
export interface VisionTowerConfig extends TowerConfig {
  /** Side of the square pictures in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channels: number;
}

class ClipVisionEmbeddings extends Module {
  readonly class_embedding: Parameter;
  readonly patch_embedding: Conv2d;
  readonly position_embedding: Embedding;
  readonly #config: VisionTowerConfig;

  constructor(config: VisionTowerConfig) {
    super();
    const { width, patchSize, channels } = config;
    const initializer = towerInitializer;
    this.class_embedding = new Parameter([width], initializer);
    this.patch_embedding = new Conv2d(channels, width, patchSize, { stride: patchSize, bias: false, initializer });
    this.position_embedding = new Embedding(patchesPerSide(config) ** 2 + 1, width, { initializer });
    this.#config = config;
  }

  /** @param pixels [B, C, H, W]  @returns [B, 1 + P, D] */
  forward(pixels: Tensor): Tensor {
    const { imageSize, channels, width } = this.#config;
    checkPictures(pixels, channels, [imageSize, imageSize]);
    const patches = flattenGrid(this.patch_embedding.forward(pixels));
    const first = expand(reshape(this.class_embedding.tensor, [1, 1, width]), [pixels.shape[0]!, 1, width]);
    return add(concat([first, patches], 1), this.position_embedding.weight.tensor);
  }
}

/** The vision tower of CLIP (Radford et al. 2021, arXiv 2103.00020), which LLaVA uses too. */
export class ClipVisionModel extends Module implements VisionEncoder {
  readonly embeddings: ClipVisionEmbeddings;
  /** Misspelt in every checkpoint. */
  readonly pre_layrnorm: LayerNorm;
  readonly encoder: Tower;
  readonly post_layernorm: LayerNorm;
  readonly config: VisionTowerConfig;

  constructor(config: VisionTowerConfig) {
    super();
    this.embeddings = new ClipVisionEmbeddings(config);
    this.pre_layrnorm = new LayerNorm(config.width, config.normEpsilon);
    this.encoder = new Tower(config);
    this.post_layernorm = new LayerNorm(config.width, config.normEpsilon);
    this.config = config;
  }

  get width(): number {
    return this.config.width;
  }

  get grid(): readonly [number, number] {
    const side = patchesPerSide(this.config);
    return [side, side];
  }

  get prefix(): number {
    return 1;
  }

  /**
   * The last hidden state is that of the last block as it is; only the pooled class token is normalised.
   * @param pixels [B, C, H, W]
   */
  forward(pixels: Tensor): EncoderOutput {
    const states = this.encoder.forward(tap('embeddings', this.pre_layrnorm.forward(this.embeddings.forward(pixels))));
    const lastHiddenState = states.at(-1)!;
    return { lastHiddenState, pooled: this.post_layernorm.forward(select(lastHiddenState, 1, 0)), states };
  }

  encode(pixels: Tensor): Tensor {
    return this.forward(pixels).lastHiddenState;
  }
}

/** Pixels beyond the last whole patch are not looked at. */
export function patchesPerSide({ imageSize, patchSize }: VisionTowerConfig): number {
  return Math.floor(imageSize / patchSize);
}
