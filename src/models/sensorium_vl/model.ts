// I pictures, P patches of a picture, E width of the vision tower, S scale, B batch, T tokens, D width, F rows of features,
// A width of the space in which pictures and texts are compared
import { add, gather, input, l2Normalize, reduceMean, reshape, type Tensor } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { initializers, type KeyValueCache, Linear, Mlp, Module, Parameter } from '../../nn/index.ts';
import { CausalLM, type Decoder, decoderGeneration } from '../common/decoder.ts';
import { decoderNames } from '../common/decoder-names.ts';
import type { GenerationShape, ImageTextModel, Reading } from '../common/generating.ts';
import { pixelShuffle } from '../common/pixel-shuffle.ts';
import { type SensoriumVLConfig, stemPatches } from './config.ts';
import { StemTower } from './vision.ts';

/** Joins squares of neighbouring patches, brings them to the width of the decoder by two layers, and says where each lies. */
class Connector extends Module {
  readonly mlp: Mlp;
  readonly position_embedding: Parameter;
  readonly #scale: number;

  constructor({ vision, text, scale, connectorHidden }: SensoriumVLConfig) {
    super();
    // The joined patches go through the hidden layer and come out as wide as the decoder.
    this.mlp = new Mlp(vision.width * scale ** 2, connectorHidden, { outputs: text.width, activation: 'gelu_tanh' });
    const places = (stemPatches(vision) / scale) ** 2;
    this.position_embedding = new Parameter([places, text.width], initializers.normal(0.1), { decay: false });
    this.#scale = scale;
  }

  /** @param x [I, P, E], of square pictures  @returns [I, P / S², D] */
  forward(x: Tensor): Tensor {
    return add(this.mlp.forward(pixelShuffle(x, this.#scale)), this.position_embedding.tensor);
  }
}

/**
 * The architecture of the starter: a small tower like SigLIP's behind a stem of convolutions, pixel shuffle and two layers
 * to a Llama, as SmolVLM has it (Marafioti et al. 2025, arXiv 2504.05299). It can also put pictures and texts into one
 * space, so that they can be held against each other.
 */
export class SensoriumVL extends Module implements ImageTextModel {
  readonly vision_model: StemTower;
  readonly connector: Connector;
  readonly text_model: Decoder;
  readonly lm_head: Linear | undefined;
  readonly vision_projection: Linear;
  readonly text_projection: Linear;
  /** Logarithm of the inverse temperature of comparisons. */
  readonly logit_scale: Parameter;
  readonly config: SensoriumVLConfig;
  /** The objective `looking` teaches the first. */
  readonly lookingHead = 0;
  readonly #language: CausalLM;

  constructor(config: SensoriumVLConfig) {
    super();
    this.vision_model = new StemTower(config.vision);
    this.connector = new Connector(config);
    this.#language = new CausalLM(config.text);
    this.text_model = this.#language.model;
    this.lm_head = this.#language.lm_head;
    this.vision_projection = new Linear(config.vision.width, config.projection, { bias: false });
    this.text_projection = new Linear(config.text.width, config.projection, { bias: false });
    this.logit_scale = new Parameter([1], initializers.constantFill(Math.log(1 / 0.07)));
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
    const { imageSize } = this.config.vision;
    return { pixel_values: input('pixel_values', 'float32', ['tiles', 3, imageSize, imageSize]) };
  }

  /** @param inputs.pixel_values [I, 3, H, W]  @returns [F, D] with F = I · P / S² */
  pictureFeatures(inputs: Readonly<Record<string, Tensor>>): Tensor {
    return this.featuresOf(this.patches(inputs['pixel_values']!));
  }

  /** @param pixels [I, 3, H, W]  @returns [I, P, E] */
  patches(pixels: Tensor): Tensor {
    return this.vision_model.forward(pixels);
  }

  /** @param patches [I, P, E]  @returns [F, D] */
  featuresOf(patches: Tensor): Tensor {
    return reshape(this.connector.forward(patches), [-1, this.config.text.width]);
  }

  /** Logits of the words that states in the decoder's space stand for, layers left out. @param x [N, D]  @returns [N, V] */
  wordsOf(x: Tensor): Tensor {
    return this.#language.logits(this.text_model.norm.forward(x));
  }

  /** Vectors of length 1 to compare texts with. @param patches [I, ..., E], of which the mean is taken per picture  @returns [I, A] */
  pictureVectors(patches: Tensor): Tensor {
    return l2Normalize(this.vision_projection.forward(reduceMean(patches, 1)));
  }

  /** Vectors of length 1 to compare pictures with. @param ids [B, T] int64  @param ends [B] int64: which of the B · T tokens ends each text  @returns [B, A] */
  textVectors(ids: Tensor, ends: Tensor): Tensor {
    const states = this.#language.states(ids);
    return l2Normalize(this.text_projection.forward(gather(reshape(states, [-1, this.config.text.width]), ends)));
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

  /** As `read`, of pictures. @param inputs as in `pictureInputs`  @param places [B, T] int64, as in `placeFeatures` */
  forward(inputs: Readonly<Record<string, Tensor>>, ids: Tensor, places: Tensor): Tensor {
    return this.read(ids, { features: this.pictureFeatures(inputs), places });
  }
}

export function sensoriumVLNames(config: SensoriumVLConfig): NamingRules {
  return decoderNames(config.text.tied);
}
