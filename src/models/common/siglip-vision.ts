// B batch, H height, W width, P patches, D width
import { add, expand, select, tap, type Tensor } from '../../graph/index.ts';
import { Conv2d, Embedding, LayerNorm, Mlp, Module, MultiheadAttention, Parameter } from '../../nn/index.ts';
import { patchesPerSide, type VisionTowerConfig } from './clip-vision.ts';
import { checkPictures, flattenGrid } from './patches.ts';
import { type EncoderOutput, Tower, towerInitializer } from './tower.ts';
import type { VisionEncoder } from './vision.ts';

/** Sizes of SigLIP's vision tower. */
export interface SiglipVisionConfig extends VisionTowerConfig {
  /** Whether it ends in attention pooling. */
  readonly head: boolean;
}

class SiglipVisionEmbeddings extends Module {
  readonly patch_embedding: Conv2d;
  readonly position_embedding: Embedding;
  readonly #config: SiglipVisionConfig;

  constructor(config: SiglipVisionConfig) {
    super();
    const { width, patchSize, channels } = config;
    const initializer = towerInitializer;
    this.patch_embedding = new Conv2d(channels, width, patchSize, { stride: patchSize, initializer });
    this.position_embedding = new Embedding(patchesPerSide(config) ** 2, width, { initializer });
    this.#config = config;
  }

  /** @param pixels [B, C, H, W]  @returns [B, P, D] */
  forward(pixels: Tensor): Tensor {
    const { imageSize, channels } = this.#config;
    checkPictures(pixels, channels, [imageSize, imageSize]);
    return add(flattenGrid(this.patch_embedding.forward(pixels)), this.position_embedding.weight.tensor);
  }
}

/** One learned query that asks all patches (Zhai et al. 2022, arXiv 2106.04560, section 3.2). */
class AttentionPooling extends Module {
  readonly probe: Parameter;
  readonly attention: MultiheadAttention;
  readonly layernorm: LayerNorm;
  readonly mlp: Mlp;

  constructor({ width, heads, hidden, activation, normEpsilon }: SiglipVisionConfig) {
    super();
    this.probe = new Parameter([1, 1, width], towerInitializer);
    this.attention = new MultiheadAttention(width, heads, { initializer: towerInitializer });
    this.layernorm = new LayerNorm(width, normEpsilon);
    this.mlp = new Mlp(width, hidden, { activation, initializer: towerInitializer });
  }

  /** @param x [B, P, D]  @returns [B, D] */
  forward(x: Tensor): Tensor {
    const [batch, , width] = x.shape;
    const attended = this.attention.forward(expand(this.probe.tensor, [batch!, 1, width!]), x);
    return select(add(attended, this.mlp.forward(this.layernorm.forward(attended))), 1, 0);
  }
}

/** The vision tower of SigLIP (Zhai et al. 2023, arXiv 2303.15343), which LLaVA-OneVision uses too. */
export class SiglipVisionModel extends Module implements VisionEncoder {
  readonly embeddings: SiglipVisionEmbeddings;
  readonly encoder: Tower;
  readonly post_layernorm: LayerNorm;
  readonly head: AttentionPooling | undefined;
  readonly config: SiglipVisionConfig;

  constructor(config: SiglipVisionConfig) {
    super();
    this.embeddings = new SiglipVisionEmbeddings(config);
    this.encoder = new Tower(config);
    this.post_layernorm = new LayerNorm(config.width, config.normEpsilon);
    this.head = config.head ? new AttentionPooling(config) : undefined;
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
    return 0;
  }

  /** @param pixels [B, C, H, W] */
  forward(pixels: Tensor): EncoderOutput {
    const states = this.encoder.forward(tap('embeddings', this.embeddings.forward(pixels)));
    const lastHiddenState = this.post_layernorm.forward(states.at(-1)!);
    return { lastHiddenState, pooled: this.head?.forward(lastHiddenState), states };
  }

  encode(pixels: Tensor): Tensor {
    return this.forward(pixels).lastHiddenState;
  }
}
