// B batch, H height, W width, P patches, D width, C channels
import { GraphError, hostTensor } from '../../core/index.ts';
import { add, concat, expand, pad, relu, type Tensor } from '../../graph/index.ts';
import {
  Conv2d,
  GroupNorm,
  type Initializer,
  initializers,
  LayerNorm,
  Linear,
  Module,
  Parameter,
} from '../../nn/index.ts';
import { flattenGrid } from './patches.ts';
import { Transformer, type TransformerConfig } from './transformer.ts';

/** A Vision Transformer (Dosovitskiy et al. 2021, arXiv 2010.11929). */
export interface PlainVitConfig extends TransformerConfig {
  readonly kind: 'vit';
  readonly imageSize: number;
  readonly patchSize: number;
  /** Puts a learned token in front of the patches. */
  readonly classToken?: boolean;
}

/** A small residual convolutional network with group normalisation. */
export interface ConvNetConfig {
  readonly kind: 'convnet';
  readonly imageSize: number;
  /** Channels of each stage; every stage after the first halves the resolution. */
  readonly channels: readonly number[];
  /** Residual blocks in each stage. */
  readonly blocks: readonly number[];
  /** Size and stride of the first convolution, which cuts the resolution. */
  readonly stem: number;
}

/** A {@link ConvNetConfig} whose features, with learned positions, go through transformer blocks. */
export interface ConvTransformerConfig extends Omit<ConvNetConfig, 'kind'>, TransformerConfig {
  readonly kind: 'conv-transformer';
}

/**
 * An encoder of a known architecture, described by its own `config.json`. It is built by whoever knows all architectures
 * and handed to the model that it becomes a part of.
 */
export interface PretrainedVisionConfig {
  readonly kind: 'pretrained';
  readonly imageSize: number;
  /** Contents of the encoder's `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
}

export type VisionConfig = PlainVitConfig | ConvNetConfig | ConvTransformerConfig | PretrainedVisionConfig;

/** What a vision encoder offers: features on a grid, row by row. */
export interface VisionEncoder extends Module {
  readonly width: number;
  /** Rows and columns of the grid of features. */
  readonly grid: readonly [number, number];
  /** Tokens that stand in front of the grid (a class token). */
  readonly prefix: number;
  /** @param pixels [B, 3, H, W]  @returns [B, prefix + rows · columns, D] */
  encode(pixels: Tensor): Tensor;
}

/** @throws GraphError for an encoder of a known architecture, which has to be built elsewhere */
export function createVisionEncoder(config: VisionConfig): VisionEncoder {
  switch (config.kind) {
    case 'vit':
      return new PlainVit(config);
    case 'convnet':
      return new ConvNet(config);
    case 'conv-transformer':
      return new ConvTransformer(config);
    case 'pretrained':
      throw new GraphError(
        `a vision encoder of type '${String(config.config['model_type'])}' was not given`,
        'build it from its config and hand it to the model',
      );
  }
}

export class PlainVit extends Module implements VisionEncoder {
  readonly patch_embedding: Conv2d;
  readonly class_token: Parameter | undefined;
  readonly position_embedding: Parameter;
  readonly encoder: Transformer;
  readonly #config: PlainVitConfig;

  constructor(config: PlainVitConfig) {
    super();
    const initializer = initializers.truncatedNormal(0.02);
    const side = config.imageSize / config.patchSize;
    this.patch_embedding = new Conv2d(3, config.width, config.patchSize, { stride: config.patchSize });
    this.class_token = config.classToken
      ? new Parameter([1, 1, config.width], initializer, { decay: false })
      : undefined;
    this.position_embedding = new Parameter([side * side + (config.classToken ? 1 : 0), config.width], initializer, {
      decay: false,
    });
    this.encoder = new Transformer(config);
    this.#config = config;
  }

  get width(): number {
    return this.#config.width;
  }

  get grid(): readonly [number, number] {
    const side = this.#config.imageSize / this.#config.patchSize;
    return [side, side];
  }

  get prefix(): number {
    return this.class_token === undefined ? 0 : 1;
  }

  forward(pixels: Tensor): Tensor {
    const [batch] = pixels.shape;
    let tokens = flattenGrid(this.patch_embedding.forward(pixels));
    if (this.class_token !== undefined) {
      tokens = concat([expand(this.class_token.tensor, [batch!, 1, this.width]), tokens], 1);
    }
    return this.encoder.forward(add(tokens, this.position_embedding.tensor));
  }

  encode(pixels: Tensor): Tensor {
    return this.forward(pixels);
  }
}

/** Two 3×3 convolutions around which the input is carried (He et al. 2016, arXiv 1512.03385, in its pre-activation form). */
export class ResidualBlock extends Module {
  readonly norm1: GroupNorm;
  readonly conv1: Conv2d;
  readonly norm2: GroupNorm;
  readonly conv2: Conv2d;
  readonly shortcut: Conv2d | undefined;

  constructor(inputs: number, outputs: number, stride: number) {
    super();
    const options = { bias: false, initializer: initializers.kaimingNormal, hidden: true };
    this.norm1 = new GroupNorm(groupCount(inputs), inputs);
    this.conv1 = new Conv2d(inputs, outputs, 3, { ...options, stride, padding: 1 });
    this.norm2 = new GroupNorm(groupCount(outputs), outputs);
    this.conv2 = new Conv2d(outputs, outputs, 3, { ...options, padding: 1 });
    // A shortcut of the stride's own size sees every pixel.
    this.shortcut =
      inputs === outputs && stride === 1 ? undefined : new Conv2d(inputs, outputs, stride, { ...options, stride });
  }

  /** @param x [B, C, H, W] */
  forward(x: Tensor): Tensor {
    const first = relu(this.norm1.forward(x));
    const hidden = this.conv1.forward(first);
    const carried = this.shortcut === undefined ? x : this.shortcut.forward(first);
    return add(carried, this.conv2.forward(relu(this.norm2.forward(hidden))));
  }
}

export class ConvNet extends Module implements VisionEncoder {
  readonly stem: Conv2d;
  readonly stages: readonly (readonly ResidualBlock[])[];
  readonly norm: LayerNorm;
  readonly #config: Omit<ConvNetConfig, 'kind'>;

  constructor(config: Omit<ConvNetConfig, 'kind'>) {
    super();
    const { channels, blocks, stem } = config;
    // A stem of stride s looks at windows of 2s − 1, so that neighbouring features overlap.
    this.stem = new Conv2d(3, channels[0]!, 2 * stem - 1, {
      stride: stem,
      padding: stem - 1,
      initializer: initializers.kaimingNormal,
    });
    this.stages = channels.map((width, stage) =>
      Array.from({ length: blocks[stage] ?? 1 }, (_, i) => {
        const first = i === 0 && stage > 0;
        return new ResidualBlock(first ? channels[stage - 1]! : width, width, first ? 2 : 1);
      }),
    );
    this.norm = new LayerNorm(channels.at(-1)!);
    this.#config = config;
  }

  get width(): number {
    return this.#config.channels.at(-1)!;
  }

  get grid(): readonly [number, number] {
    const side = Math.ceil(this.#config.imageSize / this.#config.stem) / 2 ** (this.#config.channels.length - 1);
    return [side, side];
  }

  get prefix(): number {
    return 0;
  }

  forward(pixels: Tensor): Tensor {
    let x = this.stem.forward(pixels);
    for (const block of this.stages.flat()) x = block.forward(x);
    return this.norm.forward(flattenGrid(x));
  }

  encode(pixels: Tensor): Tensor {
    return this.forward(pixels);
  }
}

/**
 * Convolutions first and attention after them (Xiao et al. 2021, "Early convolutions help transformers see better", arXiv
 * 2106.14881). Pictures whose side the stages do not divide are padded evenly. Positions are learned and begin as waves, so that
 * nearness can be read off their products from the first step.
 */
export class ConvTransformer extends Module implements VisionEncoder {
  readonly convolutions: ConvNet;
  readonly projection: Linear | undefined;
  readonly position_embedding: Parameter;
  readonly encoder: Transformer;
  readonly #config: ConvTransformerConfig;
  /** Side of the padded picture. */
  readonly #side: number;

  constructor(config: ConvTransformerConfig) {
    super();
    const { channels, blocks, stem, imageSize, width } = config;
    const step = stem * 2 ** (channels.length - 1);
    this.#side = Math.ceil(imageSize / step) * step;
    this.convolutions = new ConvNet({ imageSize: this.#side, channels, blocks, stem });
    this.projection = channels.at(-1) === width ? undefined : new Linear(channels.at(-1)!, width);
    const [rows, columns] = this.convolutions.grid;
    this.position_embedding = new Parameter([rows * columns, width], planeWaves(columns), { decay: false });
    this.encoder = new Transformer(config);
    this.#config = config;
  }

  get width(): number {
    return this.#config.width;
  }

  get grid(): readonly [number, number] {
    return this.convolutions.grid;
  }

  get prefix(): number {
    return 0;
  }

  forward(pixels: Tensor): Tensor {
    const missing = this.#side - this.#config.imageSize;
    const [before, after] = [Math.floor(missing / 2), Math.ceil(missing / 2)];
    const features = this.convolutions.forward(pad(pixels, [0, 0, before, before], [0, 0, after, after]));
    const tokens = this.projection === undefined ? features : this.projection.forward(features);
    return this.encoder.forward(add(tokens, this.position_embedding.tensor));
  }

  encode(pixels: Tensor): Tensor {
    return this.forward(pixels);
  }
}

/** Directions of the waves that positions begin as. */
const DIRECTIONS = 6;

/**
 * Plane waves over a grid of `columns`, [P, D]: sines and cosines in six directions. Products of two places' waves of one
 * length, taken over all directions, depend on the distance between the places alone (nearly; they are Bessel functions of it),
 * which waves along rows and columns do not give. Lengths rise geometrically from 4 cells to four times the grid's side.
 */
function planeWaves(columns: number): Initializer {
  return (shape) => {
    const [places, width] = shape as [number, number];
    const table = hostTensor('float32', shape);
    const lengths = Math.floor(width / (2 * DIRECTIONS));
    for (let place = 0; place < places; place++)
      for (let i = 0; i < lengths * DIRECTIONS; i++) {
        const direction = (Math.PI * Math.floor(i / lengths)) / DIRECTIONS;
        const [x, y] = [place % columns, Math.floor(place / columns)];
        const length = 4 * columns ** ((i % lengths) / Math.max(1, lengths - 1));
        const angle = (2 * Math.PI * (x * Math.cos(direction) + y * Math.sin(direction))) / length;
        table.data[place * width + 2 * i] = Math.sin(angle);
        table.data[place * width + 2 * i + 1] = Math.cos(angle);
      }
    return table;
  };
}

function groupCount(channels: number): number {
  return Math.max(1, Math.min(8, Math.floor(channels / 8)));
}
