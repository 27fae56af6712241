// B batch, T tokens, D width, V vocabulary, K width of a head, F rows of features, P patches, W windows, L patches in one
import type { HostTensor } from '../../core/index.ts';
import { constant, gather, input, reshape, type Tensor, unsqueeze } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { type KeyValueCache, rotaryAngles, rotaryFrequencies, rotaryOnAxes } from '../../nn/index.ts';
import { CausalLM } from '../common/decoder.ts';
import { decoderNames } from '../common/decoder-names.ts';
import type { GenerationShape, ImageTextModel, PreparedPicture, StepInputs } from '../common/generating.ts';
import type { Qwen25VlConfig } from './config.ts';
import { type PatchInputs, Qwen25VisionTower } from './vision.ts';
import { type PatchGrid, patchRotary, windowLayout } from './windows.ts';

/**
 * Qwen2.5-VL (Bai et al. 2025, arXiv 2502.13923): a vision tower for pictures of any size, and Qwen2 with positions in time,
 * height and width.
 */
export class Qwen25Vl extends CausalLM implements ImageTextModel {
  readonly visual: Qwen25VisionTower;
  readonly config: Qwen25VlConfig;
  /** Patches of a picture see each other, so that it cannot be encoded in parts. */
  readonly independentTiles = false;

  constructor(config: Qwen25VlConfig) {
    super(config.text);
    this.visual = new Qwen25VisionTower(config.vision, config.text.width);
    this.config = config;
  }

  override get generation(): GenerationShape {
    return { ...super.generation, positionAxes: 3 };
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

  /** What the vision tower's inputs hold beside the pixels, for a picture of that many patches. */
  layoutValues(grid: PatchGrid): Record<Exclude<keyof PatchInputs, 'pixel_values'>, HostTensor> {
    const { merge, windowSide: side } = this.config.vision;
    const { order, inverse, windows, mask, places } = windowLayout(grid, { merge, side });
    const frequencies = rotaryFrequencies(this.visual.headWidth / 2, { base: 10_000 });
    const { cosines, sines } = patchRotary(grid, { merge, side }, order, frequencies);
    return { cosines, sines, order, inverse, windows, window_mask: mask, places };
  }

  /** All tokens at once, as in training. @param positions [3, B, T] int64  @returns logits [B, T, V] */
  forwardEmbedded(embeddings: Tensor, positions: Tensor): Tensor {
    // No token stands beyond its number: a picture has at least as many tokens as its longer side.
    const length = embeddings.shape[1] as number;
    const { headWidth, rotary } = this.model.config;
    const { cosines, sines } = rotaryAngles(length, rotaryFrequencies(headWidth, rotary));
    const tables = { cosines: constant(cosines), sines: constant(sines) };
    const turned = rotaryOnAxes(tables, positions, this.config.sections);
    const perHead = { cosines: unsqueeze(turned.cosines, 1), sines: unsqueeze(turned.sines, 1) };
    return this.logits(this.model.forward(embeddings, undefined, perHead));
  }

  override forwardCached(embeddings: Tensor, chosen: Tensor, cache: KeyValueCache, { positions }: StepInputs): Tensor {
    const { width, headWidth } = this.model.config;
    const turned = rotaryOnAxes(cache.tables(headWidth), positions!, this.config.sections);
    const perHead = { cosines: unsqueeze(turned.cosines, 2), sines: unsqueeze(turned.sines, 2) };
    const states = this.model.forwardCached(embeddings, cache, perHead);
    return this.logits(gather(reshape(states, [-1, width]), chosen));
  }
}
