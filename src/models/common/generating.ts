/** What models have in common that write texts, and those that look at pictures while they do. */
// B batch, T tokens, D width, V vocabulary, F rows of features, K rows that one is made of, A axes of positions
import type { DType, HostTensor } from '../../core/index.ts';
import type { Picture } from '../../data/index.ts';
import type { Shape, Tensor } from '../../graph/index.ts';
import type { KeyValueCache, Module, Parameter, RotaryConfig } from '../../nn/index.ts';
import type { Grounding } from './grounding.ts';
import type { FeatureRegions } from './regions.ts';

/** What has to be known of a model before it can write. */
export interface GenerationShape {
  readonly vocabularySize: number;
  /** D. */
  readonly width: number;
  /** Most tokens of prompt and answer together. */
  readonly maxLength: number;
  /** Tables of rotary positions, where the model turns by them. */
  readonly rotary?: { readonly headWidth: number; readonly config: RotaryConfig };
  /**
   * How many numbers say where a token stands: none where the cache counts by itself, one for learned positions, three
   * (time, height, width) where pictures have positions of their own.
   */
  readonly positionAxes: 0 | 1 | 3;
  /** Further inputs that stay the same during an answer, such as the keys and values of cross-attention. */
  readonly context?: Readonly<Record<string, { readonly dtype: DType; readonly shape: Shape }>>;
}

/** What a step of an answer is given beside tokens and cache. */
export interface StepInputs {
  /** [A, B, T] int64, where the model has axes of positions. */
  readonly positions?: Tensor;
  /** By the names of {@link GenerationShape.context}. */
  readonly context: Readonly<Record<string, Tensor>>;
}

/** A model that writes texts, token by token. */
export interface GeneratingModel {
  readonly generation: GenerationShape;
  /** All weights by path; walking the tree gives them their names. */
  parameters(): Map<string, Parameter>;
  /** All parts by path. */
  modules(): Map<string, Module>;
  /** @param ids [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor;
  /**
   * Logits of one token in each row, over a cache.
   * @param embeddings [B, T, D]  @param chosen [B] int64: which of the B · T tokens  @returns [B, V]
   */
  forwardCached(embeddings: Tensor, chosen: Tensor, cache: KeyValueCache, inputs: StepInputs): Tensor;
}

/** What whole texts are read with, all tokens at once, as in training. */
export interface Reading {
  /** [F, D], of all pictures of the batch. */
  readonly features?: Tensor | undefined;
  /** [B, T] int64, as in `placeFeatures`; with features. */
  readonly places?: Tensor | undefined;
  /** Added to the scores, [B, 1, T, T]; causal by default. */
  readonly mask?: Tensor | undefined;
  /** [B, T] int64, or [A, B, T] where the model has axes of positions; by default tokens count from 0. */
  readonly positions?: Tensor | undefined;
  /** [N] int64: which of the B · T tokens logits are wanted of; all by default. */
  readonly chosen?: Tensor;
}

/** A model that can be taught: it reads whole texts. */
export interface ReadingModel extends GeneratingModel {
  /** @param ids [B, T] int64, T known while tracing  @returns logits [B, T, V], or [N, V] of the chosen tokens */
  read(ids: Tensor, reading?: Reading): Tensor;
}

/** A picture as a processor leaves it. */
export interface PreparedPicture {
  /** For the model's picture encoder, by name; `pixel_values` [tiles, 3, H, W] in most. */
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** F: rows of features that the model makes of it, which is the number of its image tokens. */
  readonly features: number;
  /** Height and width in pixels, as it was given. */
  readonly imageSize?: readonly [height: number, width: number];
  /** Patches in time, height and width, where their number depends on the picture. */
  readonly grid?: readonly [time: number, height: number, width: number];
}

/** Text and pictures as a model reads them. */
export interface PreparedPrompt {
  /** T ids, with an image token for each row of features. */
  readonly tokens: readonly number[];
  readonly pictures: readonly PreparedPicture[];
  /** [A, T], where the model has axes of positions. */
  readonly positions?: HostTensor<'int64'>;
  /** Position of the first token of the answer, on all axes; T by default. */
  readonly nextPosition?: number;
}

/** Turns text with pictures into what a model reads. */
export interface ImageTextProcessor {
  /**
   * @param text with a marker for each picture, as the chat template writes it  @param pictures in their order
   * @throws DataError when markers and pictures differ in number
   */
  prepare(text: string, pictures: readonly Picture[]): PreparedPrompt;
  /** Of each picture where its rows of features look, in the order of its image tokens. @param pictures as for `prepare` */
  regions(pictures: readonly Picture[]): readonly FeatureRegions[];
  /** In models that were taught to point. */
  readonly grounding?: Grounding;
}

/** Each feature as a mean of K rows. */
export interface Arrangement {
  /** [F, K] */
  readonly rows: HostTensor<'int64'>;
  /** [F, K] */
  readonly weights: HostTensor<'float32'>;
}

/** A model that writes about pictures: their features take the place of image tokens. */
export interface ImageTextModel extends ReadingModel {
  /** Id of the token that stands for a row of features. */
  readonly imageToken: number;
  /** Whether a picture's tiles can be encoded one after another, which takes less memory. */
  readonly independentTiles: boolean;
  /** Which head of the decoder's last layer is taught to look at what is spoken of, where one is. */
  readonly lookingHead?: number;
  /** Logits of the words that features stand for, layers left out, in models that were taught it. @param x [N, D]  @returns [N, V] */
  wordsOf?(x: Tensor): Tensor;
  /** Inputs of the picture encoder, for one picture. */
  pictureInputs(): Readonly<Record<string, Tensor>>;
  /**
   * @param inputs by the names of `pictureInputs`
   * @returns [F, D], in the order of the image tokens; or rows of which `arrangement` says how they become that
   */
  pictureFeatures(inputs: Readonly<Record<string, Tensor>>): Tensor;
  /** Values of the picture encoder's inputs; those of the processor where it is absent. */
  pictureValues?(picture: PreparedPicture): Readonly<Record<string, HostTensor>>;
  /** How features are made of all rows that the picture encoder gives, where they are not the same. */
  arrangement?(picture: PreparedPicture): Arrangement;
}

/** Whether a model looks at pictures. */
export function readsPictures(model: GeneratingModel): model is ImageTextModel {
  return 'pictureFeatures' in model;
}
