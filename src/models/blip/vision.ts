// B batch, H height, W width, P patches, S = 1 + P tokens, D width, N heads
import { add, concat, expand, slice, select, tap, type Tensor } from '../../graph/index.ts';
import { attend, Conv2d, LayerNorm, Linear, mergeHeads, Mlp, Module, Parameter, splitHeads } from '../../nn/index.ts';
import { patchesPerSide, type VisionTowerConfig } from '../common/clip-vision.ts';
import { checkPictures, flattenGrid } from '../common/patches.ts';
import { type EncoderOutput, towerInitializer as initializer } from '../common/tower.ts';
import type { VisionEncoder } from '../common/vision.ts';

class BlipVisionEmbeddings extends Module {
  readonly class_embedding: Parameter;
  readonly patch_embedding: Conv2d;
  readonly position_embedding: Parameter;
  readonly #config: VisionTowerConfig;

  constructor(config: VisionTowerConfig) {
    super();
    const { width, patchSize, channels } = config;
    this.class_embedding = new Parameter([1, 1, width], initializer, { decay: false });
    this.patch_embedding = new Conv2d(channels, width, patchSize, { stride: patchSize, initializer });
    this.position_embedding = new Parameter([1, 1 + patchesPerSide(config) ** 2, width], initializer, { decay: false });
    this.#config = config;
  }

  /** @param pixels [B, 3, H, W]  @returns [B, S, D] */
  forward(pixels: Tensor): Tensor {
    const { imageSize, channels, width } = this.#config;
    checkPictures(pixels, channels, [imageSize, imageSize]);
    const first = expand(this.class_embedding.tensor, [pixels.shape[0]!, 1, width]);
    const patches = flattenGrid(this.patch_embedding.forward(pixels));
    return add(concat([first, patches], 1), this.position_embedding.tensor);
  }
}

/** Self-attention with one layer for queries, keys and values. */
class BlipAttention extends Module {
  readonly qkv: Linear;
  readonly projection: Linear;
  readonly #heads: number;

  constructor({ width, heads }: VisionTowerConfig) {
    super();
    this.qkv = new Linear(width, 3 * width, { initializer });
    this.projection = new Linear(width, width, { initializer });
    this.#heads = heads;
  }

  /** @param x [B, S, D]  @returns [B, S, D] */
  forward(x: Tensor): Tensor {
    const heads = this.#heads;
    const joint = splitHeads(this.qkv.forward(x), 3 * heads);
    const part = (index: number): Tensor => slice(joint, 1, index * heads, (index + 1) * heads);
    return this.projection.forward(mergeHeads(attend(part(0), part(1), part(2))));
  }
}

/** Self-attention and feed-forward part, each normalised before and added after. */
class BlipVisionLayer extends Module {
  readonly self_attn: BlipAttention;
  readonly layer_norm1: LayerNorm;
  readonly mlp: Mlp;
  readonly layer_norm2: LayerNorm;

  constructor(config: VisionTowerConfig) {
    super();
    const { width, hidden, activation, normEpsilon } = config;
    this.self_attn = new BlipAttention(config);
    this.layer_norm1 = new LayerNorm(width, normEpsilon);
    this.mlp = new Mlp(width, hidden, { activation, initializer });
    this.layer_norm2 = new LayerNorm(width, normEpsilon);
  }

  /** @param x [B, S, D]  @returns [B, S, D] */
  forward(x: Tensor): Tensor {
    const attended = add(x, this.self_attn.forward(this.layer_norm1.forward(x)));
    return tap('state', add(attended, this.mlp.forward(this.layer_norm2.forward(attended))));
  }
}

class BlipVisionLayers extends Module {
  readonly layers: readonly BlipVisionLayer[];

  constructor(config: VisionTowerConfig) {
    super();
    this.layers = Array.from({ length: config.layers }, () => new BlipVisionLayer(config));
  }

  /** @param x [B, S, D]  @returns `x` and what comes out of each block */
  forward(x: Tensor): Tensor[] {
    const states = [x];
    for (const layer of this.layers) states.push(layer.forward(states.at(-1)!));
    return states;
  }
}

/** BLIP's Vision Transformer (Li et al. 2022, arXiv 2201.12086, section 3.1). */
export class BlipVisionModel extends Module implements VisionEncoder {
  readonly embeddings: BlipVisionEmbeddings;
  readonly encoder: BlipVisionLayers;
  readonly post_layernorm: LayerNorm;
  readonly config: VisionTowerConfig;

  constructor(config: VisionTowerConfig) {
    super();
    this.embeddings = new BlipVisionEmbeddings(config);
    this.encoder = new BlipVisionLayers(config);
    this.post_layernorm = new LayerNorm(config.width, config.normEpsilon);
    this.config = config;
  }

  get width(): number {
    return this.config.width;
  }

  get grid(): readonly [number, number] {
    const patches = patchesPerSide(this.config);
    return [patches, patches];
  }

  get prefix(): number {
    return 1;
  }

  /** All tokens are normalised at the end. @param pixels [B, 3, H, W] */
  forward(pixels: Tensor): EncoderOutput {
    const states = this.encoder.forward(tap('embeddings', this.embeddings.forward(pixels)));
    const lastHiddenState = tap('last', this.post_layernorm.forward(states.at(-1)!));
    return { lastHiddenState, pooled: select(lastHiddenState, 1, 0), states };
  }

  encode(pixels: Tensor): Tensor {
    return this.forward(pixels).lastHiddenState;
  }
}
