// I tiles, P patches of a tile, E width of the vision tower, S scale, B batch, T tokens, D width, F rows of features
import { input, reshape, type Tensor } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { type KeyValueCache, Linear, Module } from '../../nn/index.ts';
import { CausalLM, type Decoder, decoderGeneration } from '../common/decoder.ts';
import { decoderNames } from '../common/decoder-names.ts';
import type { GenerationShape, ImageTextModel, Reading } from '../common/generating.ts';
import { pixelShuffle } from '../common/pixel-shuffle.ts';
import { SiglipVisionModel } from '../common/siglip-vision.ts';
import type { Idefics3Config } from './config.ts';

class ModalityProjection extends Module {
  readonly proj: Linear;

  constructor(inputs: number, outputs: number) {
    super();
    this.proj = new Linear(inputs, outputs, { bias: false });
  }

  /** @param x [..., inputs]  @returns [..., outputs] */
  forward(x: Tensor): Tensor {
    return this.proj.forward(x);
  }
}

/** Joins neighbouring patches and brings them to the width of the decoder. */
class Connector extends Module {
  readonly modality_projection: ModalityProjection;
  readonly #scale: number;

  constructor({ vision, text, scale }: Idefics3Config) {
    super();
    this.modality_projection = new ModalityProjection(vision.width * scale ** 2, text.width);
    this.#scale = scale;
  }

  /** @param x [I, P, E], of square tiles  @returns [I, P / S², D] */
  forward(x: Tensor): Tensor {
    return this.modality_projection.forward(pixelShuffle(x, this.#scale));
  }
}

/** The parts under the name that checkpoints give them. */
class Idefics3Parts extends Module {
  readonly vision_model: SiglipVisionModel;
  readonly connector: Connector;
  readonly text_model: Decoder;

  constructor(config: Idefics3Config, decoder: Decoder) {
    super();
    this.vision_model = new SiglipVisionModel(config.vision);
    this.connector = new Connector(config);
    this.text_model = decoder;
  }
}

/**
 * Idefics3 (Laurençon et al. 2024, arXiv 2408.12637) and SmolVLM (Marafioti et al. 2025, arXiv 2504.05299): a SigLIP tower
 * looks at tiles of one size, and squares of its patches stand as tokens in the text of a Llama.
 */
export class Idefics3 extends Module implements ImageTextModel {
  readonly model: Idefics3Parts;
  readonly lm_head: Linear | undefined;
  readonly config: Idefics3Config;
  /** Decoder and output layer, which have other names here than in a language model. */
  readonly #language: CausalLM;

  constructor(config: Idefics3Config) {
    super();
    this.#language = new CausalLM(config.text);
    this.model = new Idefics3Parts(config, this.#language.model);
    this.lm_head = this.#language.lm_head;
    this.config = config;
  }

  get generation(): GenerationShape {
    return decoderGeneration(this.config.text);
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

  /** @param inputs.pixel_values [I, 3, H, W]  @returns [F, D] with F = I · P / S² */
  pictureFeatures(inputs: Readonly<Record<string, Tensor>>): Tensor {
    const states = this.model.vision_model.encode(inputs['pixel_values']!);
    return reshape(this.model.connector.forward(states), [-1, this.config.text.width]);
  }

  /** @param ids [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor {
    return this.#language.embed(ids);
  }

  forwardCached(embeddings: Tensor, chosen: Tensor, cache: KeyValueCache): Tensor {
    return this.#language.forwardCached(embeddings, chosen, cache);
  }

  /** @param ids [B, T] int64  @returns logits [B, T, V], or [N, V] of the chosen tokens */
  read(ids: Tensor, reading: Reading = {}): Tensor {
    return this.#language.read(ids, reading);
  }

  /**
   * As in training. @param inputs tiles of all pictures, as in `pictureInputs`  @param ids [B, T] int64
   * @param places [B, T] int64, as in `placeFeatures`
   * @returns logits [B, T, V]
   */
  forward(inputs: Readonly<Record<string, Tensor>>, ids: Tensor, places: Tensor): Tensor {
    return this.read(ids, { features: this.pictureFeatures(inputs), places });
  }
}

/** Names in files of Idefics3 and SmolVLM. */
export function idefics3Names(config: Idefics3Config): NamingRules {
  const { ignored = [] } = decoderNames(config.text.tied);
  return { ignored: [...ignored, /(^|\.)embeddings\.position_ids$/] };
}
