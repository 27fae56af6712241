// B batch, T tokens, D width, V vocabulary, K width of a head, F rows of features, P patches, W windows, L patches in one
import { DataError, GraphError, type HostTensor } from '../../core/index.ts';
import { constant, input, staticShape, tap, type Tensor, unsqueeze } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import {
  chosenTokens,
  type KeyValueCache,
  type Linear,
  Module,
  rotaryAngles,
  rotaryFrequencies,
  rotaryOnAxes,
} from '../../nn/index.ts';
import { CausalLM, type Decoder, decoderGeneration } from '../common/decoder.ts';
import { decoderNames } from '../common/decoder-names.ts';
import type { GenerationShape, ImageTextModel, PreparedPicture, Reading, StepInputs } from '../common/generating.ts';
import { placeFeatures } from '../common/image-text.ts';
import type { Qwen25VLConfig } from './config.ts';
import { type PatchInputs, Qwen25VisionTower } from './vision.ts';
import { type PatchGrid, patchRotary, windowLayout } from './windows.ts';

/**
 * Qwen2.5-VL (Bai et al. 2025, arXiv 2502.13923): a vision tower for pictures of any size, and Qwen2 with positions in time,
 * height and width.
 */
export class Qwen25VL extends Module implements ImageTextModel {
  readonly visual: Qwen25VisionTower;
  readonly model: Decoder;
  readonly lm_head: Linear | undefined;
  readonly config: Qwen25VLConfig;
  readonly #language: CausalLM;
  /** Patches of a picture see each other, so that it cannot be encoded in parts. */
  readonly independentTiles = false;

  constructor(config: Qwen25VLConfig) {
    super();
    this.#language = new CausalLM(config.text);
    this.visual = new Qwen25VisionTower(config.vision, config.text.width);
    this.model = this.#language.model;
    this.lm_head = this.#language.lm_head;
    this.config = config;
  }

  get generation(): GenerationShape {
    return { ...decoderGeneration(this.config.text), positionAxes: 3 };
  }

  get imageToken(): number {
    return this.config.imageToken;
  }

  /** Inputs of the vision tower, for a picture of any size. */
  pictureInputs(): Record<keyof PatchInputs, Tensor> {
    const patches = this.visual.patches('F');
    const head = this.visual.headWidth;
    return {
      pixel_values: input('pixel_values', 'float32', [patches, this.visual.patchElements]),
      cosines: input('cosines', 'float32', [patches, head]),
      sines: input('sines', 'float32', [patches, head]),
      order: input('order', 'int64', ['F']),
      inverse: input('inverse', 'int64', ['F']),
      windows: input('windows', 'int64', ['W', 'L']),
      window_mask: input('window_mask', 'float32', ['W', 'L']),
      places: input('places', 'int64', [patches]),
    };
  }

  /** @returns [F, D], row by row of the picture */
  pictureFeatures(inputs: Readonly<Record<keyof PatchInputs, Tensor>>): Tensor {
    return this.visual.forward(inputs);
  }

  /** @throws DataError when the number of patches and their grid do not fit */
  pictureValues({ inputs, grid }: PreparedPicture): Record<keyof PatchInputs, HostTensor> {
    const { pixel_values: pixels } = inputs;
    const [time = 0, height = 0, width = 0] = grid ?? [];
    if (pixels === undefined || time !== 1 || pixels.shape[0] !== height * width)
      throw new DataError(
        `a picture of ${time} × ${height} × ${width} patches came with ${pixels?.shape[0] ?? 0} of them`,
        'pictures must come from the processor of this checkpoint; videos are not supported',
      );
    return { pixel_values: pixels, ...this.#layout({ height, width }) };
  }

  /** What the vision tower's inputs hold beside the pixels. */
  #layout(grid: PatchGrid): Record<Exclude<keyof PatchInputs, 'pixel_values'>, HostTensor> {
    const { merge, windowSide: side, rotaryBase: base } = this.config.vision;
    const { order, inverse, windows, mask, places } = windowLayout(grid, { merge, side });
    const frequencies = rotaryFrequencies(this.visual.headWidth / 2, { base });
    const { cosines, sines } = patchRotary(grid, { merge, side }, order, frequencies);
    return { cosines, sines, order, inverse, windows, window_mask: mask, places };
  }

  /** @param ids [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor {
    return this.#language.embed(ids);
  }

  /**
   * All tokens at once, as in training. What comes out of the decoder is named `states`.
   * @param ids [B, T] int64, T known while tracing  @param reading with positions [3, B, T]
   * @returns logits [B, T, V], or [N, V] of the chosen tokens
   * @throws GraphError where positions are missing
   */
  read(ids: Tensor, { features, places, mask, positions, chosen }: Reading = {}): Tensor {
    if (positions === undefined) throw noPositions();
    const words = this.embed(ids);
    const embedded = features === undefined || places === undefined ? words : placeFeatures(words, features, places);
    // No token stands beyond its number: a picture has at least as many tokens as its longer side.
    const [length] = staticShape(ids.shape.slice(1), 'Qwen2.5-VL');
    const { headWidth, rotary } = this.config.text;
    const { cosines, sines } = rotaryAngles(length!, rotaryFrequencies(headWidth, rotary));
    const tables = { cosines: constant(cosines), sines: constant(sines) };
    const turned = rotaryOnAxes(tables, positions, this.config.sections);
    const perHead = { cosines: unsqueeze(turned.cosines, 1), sines: unsqueeze(turned.sines, 1) };
    const states = tap('states', this.model.forward(tap('embeddings', embedded), mask, perHead, chosen));
    return this.#language.logits(states);
  }

  /** As `read`. @param features [F, D] of all pictures  @returns logits [B, T, V] */
  forward(features: Tensor, ids: Tensor, places: Tensor, positions: Tensor): Tensor {
    return this.read(ids, { features, places, positions });
  }

  /** @param inputs.positions [3, B, T] int64, which the cache cannot know  @throws GraphError where they are missing */
  forwardCached(embeddings: Tensor, chosen: Tensor, cache: KeyValueCache, { positions }: StepInputs): Tensor {
    if (positions === undefined) throw noPositions();
    const { headWidth } = this.config.text;
    const turned = rotaryOnAxes(cache.tables(headWidth), positions, this.config.sections);
    const perHead = { cosines: unsqueeze(turned.cosines, 2), sines: unsqueeze(turned.sines, 2) };
    const states = this.model.forwardCached(embeddings, cache, perHead);
    return this.#language.logits(chosenTokens(states, chosen));
  }
}

function noPositions(): GraphError {
  return new GraphError('Qwen2.5-VL was called without positions', 'give them in time, height and width');
}

/** Transformers keeps the towers under `model` from version 5 on; parameters go by the released names. */
export function qwen25VLNames(tied: boolean): NamingRules {
  const { ignored = [] } = decoderNames(tied);
  return {
    renamed: [
      [/^model\.visual\./, 'visual.'],
      [/^model\.language_model\./, 'model.'],
    ],
    inMemory: [
      [/^visual\./, 'model.visual.'],
      [/^model\./, 'model.language_model.'],
    ],
    ignored,
  };
}
