// B batch, H height, W width, T tokens, S tokens of what is attended to, D width, E width of the shared space, V vocabulary
import { CheckpointError } from '../../core/index.ts';
import { l2Normalize, matmul, select, type Tensor } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { initializers, type KeyValueCache, Linear, Module } from '../../nn/index.ts';
import { patchesPerSide } from '../common/clip-vision.ts';
import type { GeneratingModel, GenerationShape, StepInputs } from '../common/generating.ts';
import type { BlipConfig, BlipTextConfig } from './config.ts';
import { BlipTextDecoder, BlipTextModel, type CrossContext } from './text.ts';
import { BlipVisionModel } from './vision.ts';

const initializer = initializers.normal(0.02);

/** Names of the inputs that hold a layer's keys and values of cross-attention. */
function crossName(layer: number, part: 'key' | 'value'): string {
  return `cross.${layer}.${part}`;
}

function named(contexts: readonly CrossContext[]): Record<string, Tensor> {
  return Object.fromEntries(
    contexts.flatMap(({ key, value }, i) => [
      [crossName(i, 'key'), key],
      [crossName(i, 'value'), value],
    ]),
  );
}

/** The inverse of {@link named}. */
function contextsOf({ layers }: BlipTextConfig, inputs: Readonly<Record<string, Tensor>>): CrossContext[] {
  return Array.from({ length: layers }, (_, i) => ({
    key: inputs[crossName(i, 'key')]!,
    value: inputs[crossName(i, 'value')]!,
  }));
}

/** @param length S: a number, or the name of a length that differs */
function generationOf(config: BlipTextConfig, length: number | string): GenerationShape {
  const { vocabularySize, width, maxLength, layers, heads } = config;
  const spec = { dtype: 'float32', shape: ['B', heads, length, width / heads] } as const;
  const names = Array.from({ length: layers }, (_, i) => [crossName(i, 'key'), crossName(i, 'value')]).flat();
  return {
    vocabularySize,
    width,
    maxLength,
    positionAxes: 1,
    context: Object.fromEntries(names.map((name) => [name, spec])),
  };
}

/** BLIP that describes pictures: a decoder that attends to the picture (Li et al. 2022, arXiv 2201.12086). */
export class BlipForConditionalGeneration extends Module implements GeneratingModel {
  readonly vision_model: BlipVisionModel;
  readonly text_decoder: BlipTextDecoder;
  readonly config: BlipConfig;

  constructor(config: BlipConfig) {
    super();
    this.vision_model = new BlipVisionModel(config.vision);
    this.text_decoder = new BlipTextDecoder(config.text, config.vision.width);
    this.config = config;
  }

  get generation(): GenerationShape {
    return generationOf(this.config.text, 1 + patchesPerSide(this.config.vision) ** 2);
  }

  /** @param ids [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor {
    return this.text_decoder.bert.embed(ids);
  }

  /** What the decoder attends to, computed once for a picture. @param pixels [B, 3, H, W] */
  crossInputs(pixels: Tensor): Record<string, Tensor> {
    return named(this.text_decoder.bert.contexts(this.vision_model.encode(pixels)));
  }

  /** @param pixels [B, 3, H, W]  @param ids [B, T] int64  @returns logits [B, T, V] */
  forward(pixels: Tensor, ids: Tensor): Tensor {
    return this.text_decoder.forward(ids, this.text_decoder.bert.contexts(this.vision_model.encode(pixels)));
  }

  /** As {@link GeneratingModel.forwardCached}. */
  forwardCached(words: Tensor, chosen: Tensor, cache: KeyValueCache, { positions, context }: StepInputs): Tensor {
    return this.text_decoder.forwardCached(words, chosen, cache, positions, contextsOf(this.config.text, context));
  }
}

/** BLIP that answers questions: the question is read beside the picture, and the answer beside the question. */
export class BlipForQuestionAnswering extends Module implements GeneratingModel {
  readonly vision_model: BlipVisionModel;
  readonly text_encoder: BlipTextModel;
  readonly text_decoder: BlipTextDecoder;
  readonly config: BlipConfig;

  /** @throws CheckpointError when decoder and encoder do not fit together */
  constructor(config: BlipConfig) {
    super();
    const { vision, text } = config;
    if (vision.width !== text.width)
      throw new CheckpointError(
        `a decoder that attends to states of width ${vision.width} cannot read questions of width ${text.width}`,
        'vision_config.hidden_size and text_config.hidden_size must be equal to answer questions',
      );
    this.vision_model = new BlipVisionModel(vision);
    this.text_encoder = new BlipTextModel(text, vision.width);
    this.text_decoder = new BlipTextDecoder(text, text.width);
    this.config = config;
  }

  get generation(): GenerationShape {
    return generationOf(this.config.text, 'S');
  }

  /** @param ids of an answer, [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor {
    return this.text_decoder.bert.embed(ids);
  }

  /** What the decoder attends to, computed once for a question. @param question [B, S] int64 */
  crossInputs(pixels: Tensor, question: Tensor): Record<string, Tensor> {
    return named(this.text_decoder.bert.contexts(this.#read(pixels, question)));
  }

  /** @param pixels [B, 3, H, W]  @param question [B, S] int64  @param ids [B, T] int64  @returns logits [B, T, V] */
  forward(pixels: Tensor, question: Tensor, ids: Tensor): Tensor {
    return this.text_decoder.forward(ids, this.text_decoder.bert.contexts(this.#read(pixels, question)));
  }

  /** As {@link GeneratingModel.forwardCached}. */
  forwardCached(words: Tensor, chosen: Tensor, cache: KeyValueCache, { positions, context }: StepInputs): Tensor {
    return this.text_decoder.forwardCached(words, chosen, cache, positions, contextsOf(this.config.text, context));
  }

  /** @returns [B, S, D] */
  #read(pixels: Tensor, question: Tensor): Tensor {
    const picture = this.vision_model.encode(pixels);
    return this.text_encoder.encode(question, this.text_encoder.contexts(picture)).lastHiddenState;
  }
}

/** BLIP that tells whether a text fits a picture: by reading it beside the picture, and by comparing two vectors. */
export class BlipForImageTextRetrieval extends Module {
  readonly vision_model: BlipVisionModel;
  readonly text_encoder: BlipTextModel;
  readonly vision_proj: Linear;
  readonly text_proj: Linear;
  readonly itm_head: Linear;
  readonly config: BlipConfig;

  constructor(config: BlipConfig) {
    super();
    const { vision, text, projection } = config;
    this.vision_model = new BlipVisionModel(vision);
    this.text_encoder = new BlipTextModel(text, vision.width);
    this.vision_proj = new Linear(vision.width, projection, { initializer });
    this.text_proj = new Linear(text.width, projection, { initializer });
    this.itm_head = new Linear(text.width, 2, { initializer, hidden: false });
    this.config = config;
  }

  /**
   * Each text beside its picture.
   * @param pixels [B, 3, H, W]  @param ids [B, T] int64  @param keep [B, T], 1 where a token is real; all by default
   * @returns logits [B, 2]: that they do not belong together, and that they do
   */
  forward(pixels: Tensor, ids: Tensor, keep?: Tensor): Tensor {
    const cross = this.text_encoder.contexts(this.vision_model.encode(pixels));
    return this.itm_head.forward(select(this.text_encoder.encode(ids, cross, keep).lastHiddenState, 1, 0));
  }

  /** @param pixels [B, 3, H, W]  @returns [B, E], of length 1 */
  imageFeatures(pixels: Tensor): Tensor {
    return l2Normalize(this.vision_proj.forward(select(this.vision_model.encode(pixels), 1, 0)));
  }

  /** @param ids [B, T] int64  @param keep [B, T], 1 where a token is real; all by default  @returns [B, E], of length 1 */
  textFeatures(ids: Tensor, keep?: Tensor): Tensor {
    const { lastHiddenState } = this.text_encoder.encode(ids, undefined, keep);
    return l2Normalize(this.text_proj.forward(select(lastHiddenState, 1, 0)));
  }

  /** Cosines of all pictures and texts. @returns [B pictures, B texts] */
  cosines(pixels: Tensor, ids: Tensor, keep?: Tensor): Tensor {
    return matmul(this.imageFeatures(pixels), this.textFeatures(ids, keep), { transB: true });
  }
}

/** For all heads. Files hold the positions' numbers and, once more, output weights that are the embedding. */
export const blipNames: NamingRules = {
  ignored: [/(^|\.)embeddings\.position_ids$/, /^text_decoder\.cls\.predictions\.decoder\.(weight|bias)$/],
};
