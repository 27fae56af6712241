// B batch, C channels, H height, W width of a picture, P patches, T = 1 + P tokens, D width
import { add, concat, expand, select, tanh, tap, type Tensor } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { activate, Conv2d, Dropout, initializers, LayerNorm, Linear, Module, Parameter } from '../../nn/index.ts';
import { Dense, QueryKeyValue } from '../common/dense.ts';
import { checkPictures, flattenGrid } from '../common/patches.ts';
import type { EncoderOutput } from '../common/tower.ts';
import type { VisionEncoder } from '../common/vision.ts';
import type { ViTConfig } from './config.ts';

const initializer = initializers.truncatedNormal(0.02);

class ViTPatchEmbeddings extends Module {
  readonly projection: Conv2d;

  constructor({ channels, width, patchSize }: ViTConfig) {
    super();
    this.projection = new Conv2d(channels, width, patchSize, { stride: patchSize, initializer });
  }

  /** @param pixels [B, C, H, W]  @returns [B, P, D] */
  forward(pixels: Tensor): Tensor {
    return flattenGrid(this.projection.forward(pixels));
  }
}

class ViTEmbeddings extends Module {
  readonly cls_token: Parameter;
  readonly patch_embeddings: ViTPatchEmbeddings;
  readonly position_embeddings: Parameter;
  readonly #config: ViTConfig;
  readonly #dropout: Dropout;

  constructor(config: ViTConfig) {
    super();
    const [rows, columns] = gridOf(config);
    this.cls_token = new Parameter([1, 1, config.width], initializer, { decay: false });
    this.patch_embeddings = new ViTPatchEmbeddings(config);
    this.position_embeddings = new Parameter([1, 1 + rows * columns, config.width], initializer, { decay: false });
    this.#config = config;
    this.#dropout = new Dropout(config.dropout);
  }

  /** @param pixels [B, C, H, W]  @returns [B, T, D] */
  forward(pixels: Tensor): Tensor {
    checkPictures(pixels, this.#config.channels, this.#config.imageSize);
    const first = expand(this.cls_token.tensor, [pixels.shape[0]!, 1, this.#config.width]);
    const tokens = concat([first, this.patch_embeddings.forward(pixels)], 1);
    return this.#dropout.forward(add(tokens, this.position_embeddings.tensor));
  }
}

class ViTAttention extends Module {
  readonly attention: QueryKeyValue;
  readonly output: Dense;

  constructor({ width, heads, projectionBias }: ViTConfig) {
    super();
    this.attention = new QueryKeyValue(width, heads, { bias: projectionBias });
    this.output = new Dense(width, width);
  }

  /** @param x [B, T, D]  @returns [B, T, D] */
  forward(x: Tensor): Tensor {
    return this.output.forward(this.attention.forward(x, x));
  }
}

/** Self-attention and feed-forward part, each normalised before and added after. */
class ViTLayer extends Module {
  readonly attention: ViTAttention;
  readonly intermediate: Dense;
  readonly output: Dense;
  readonly layernorm_before: LayerNorm;
  readonly layernorm_after: LayerNorm;
  readonly #config: ViTConfig;
  readonly #dropout: Dropout;

  constructor(config: ViTConfig) {
    super();
    const { width, hidden, normEpsilon } = config;
    this.attention = new ViTAttention(config);
    this.intermediate = new Dense(width, hidden);
    this.output = new Dense(hidden, width);
    this.layernorm_before = new LayerNorm(width, normEpsilon);
    this.layernorm_after = new LayerNorm(width, normEpsilon);
    this.#config = config;
    this.#dropout = new Dropout(config.dropout);
  }

  /** @param x [B, T, D]  @returns [B, T, D] */
  forward(x: Tensor): Tensor {
    const attended = add(x, this.#dropout.forward(this.attention.forward(this.layernorm_before.forward(x))));
    const hidden = this.intermediate.forward(this.layernorm_after.forward(attended));
    const fed = this.output.forward(activate(hidden, this.#config.activation));
    return tap('state', add(attended, this.#dropout.forward(fed)));
  }
}

class ViTEncoder extends Module {
  readonly layer: readonly ViTLayer[];

  constructor(config: ViTConfig) {
    super();
    this.layer = Array.from({ length: config.layers }, () => new ViTLayer(config));
  }

  /** @param x [B, T, D]  @returns `x` and what comes out of each block */
  forward(x: Tensor): Tensor[] {
    const states = [x];
    for (const layer of this.layer) states.push(layer.forward(states.at(-1)!));
    return states;
  }
}

/** A Vision Transformer (Dosovitskiy et al. 2021, arXiv 2010.11929) with the names of `google/vit-*` on the Hub. */
export class ViT extends Module implements VisionEncoder {
  readonly embeddings: ViTEmbeddings;
  readonly encoder: ViTEncoder;
  readonly layernorm: LayerNorm;
  readonly pooler: Dense | undefined;
  readonly config: ViTConfig;

  /** @param options.pooler whether there is a layer that makes one vector of the class token */
  constructor(config: ViTConfig, options: { pooler?: boolean } = {}) {
    super();
    this.embeddings = new ViTEmbeddings(config);
    this.encoder = new ViTEncoder(config);
    this.layernorm = new LayerNorm(config.width, config.normEpsilon);
    this.pooler = options.pooler === true ? new Dense(config.width, config.poolerWidth) : undefined;
    this.config = config;
  }

  get width(): number {
    return this.config.width;
  }

  get grid(): readonly [number, number] {
    return gridOf(this.config);
  }

  get prefix(): number {
    return 1;
  }

  /** @param pixels [B, C, H, W] */
  forward(pixels: Tensor): EncoderOutput {
    const states = this.encoder.forward(tap('embeddings', this.embeddings.forward(pixels)));
    const lastHiddenState = this.layernorm.forward(states.at(-1)!);
    const pooled = this.pooler && tanh(this.pooler.forward(select(lastHiddenState, 1, 0)));
    return { lastHiddenState, pooled, states };
  }

  encode(pixels: Tensor): Tensor {
    return this.forward(pixels).lastHiddenState;
  }
}

/** A {@link ViT} that tells classes apart by its class token. */
export class ViTForImageClassification extends Module {
  readonly vit: ViT;
  readonly classifier: Linear;

  constructor(config: ViTConfig, options: { pooler?: boolean } = {}) {
    super();
    this.vit = new ViT(config, options);
    this.classifier = new Linear(config.width, config.labels.length, { initializer, hidden: false });
  }

  /** @param pixels [B, C, H, W]  @returns what the encoder gives, and logits [B, classes] */
  forward(pixels: Tensor): EncoderOutput & { readonly logits: Tensor } {
    const encoded = this.vit.forward(pixels);
    return { ...encoded, logits: this.classifier.forward(select(encoded.lastHiddenState, 1, 0)) };
  }
}

/** Rows and columns of patches; pixels beyond the last whole patch are not looked at. */
function gridOf({ imageSize, patchSize }: ViTConfig): readonly [number, number] {
  return [Math.floor(imageSize[0] / patchSize), Math.floor(imageSize[1] / patchSize)];
}

/** For either model, from a file of either: the base model leaves a classification head out. */
export const vitNames: NamingRules = {
  prefix: 'vit.',
  ignored: [/^classifier\.(weight|bias)$/, /^embeddings\.mask_token$/],
};

/** For the encoder alone, from a file with any head. */
export const vitEncoderNames: NamingRules = {
  ...vitNames,
  ignored: [...vitNames.ignored!, /^pooler\.dense\.(weight|bias)$/],
};

/** The model that a file holds: with a classification head and a pooler where it has them. @param names of all tensors */
export function createViT(config: ViTConfig, names: Iterable<string>): ViT | ViTForImageClassification {
  const all = new Set(names);
  const pooler = all.has('pooler.dense.weight') || all.has('vit.pooler.dense.weight');
  return all.has('classifier.weight') ? new ViTForImageClassification(config, { pooler }) : new ViT(config, { pooler });
}
