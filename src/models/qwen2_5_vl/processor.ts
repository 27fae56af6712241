/**
 * Pictures and text for Qwen2-VL and Qwen2.5-VL: pictures of any size as a row of patches
 * (Wang et al. 2024, arXiv:2409.12191; Bai et al. 2025, arXiv:2502.13923).
 */
// P patches, G their number along a side, M patches of a side merged into one token, S side of a patch in pixels,
// C = 3 · frames · S · S values of a patch, F = P / M² rows of features
import { z } from 'zod';
import { CheckpointError, DataError, hostTensor, type HostTensor } from '../../core/index.ts';
import { type CheckpointTokenizer, onBackground, type Picture, resize } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { ImageTextProcessor, PreparedPicture, PreparedPrompt } from '../common/generating.ts';
import type { Grounding } from '../common/grounding.ts';
import { encodePictures, findImageToken, type ImageToken } from '../common/image-tokens.ts';
import {
  CLIP_PIXELS,
  parsePixelConfig,
  pictureJson,
  type PixelConfig,
  type ProcessorFiles,
} from '../common/picture-config.ts';
import { PixelTables, roundHalfEven } from '../common/picture-processor.ts';
import { cellsOf, type FeatureRegions } from '../common/regions.ts';
import { groundingPrompt, parseBoxes } from './boxes.ts';
import type { Qwen25VLConfig } from './config.ts';
import { multimodalPositions } from './positions.ts';

/** What a {@link Qwen25VLProcessor} is built from. */
export interface Qwen25VLProcessorConfig extends PixelConfig {
  /** Fewest and most pixels after resizing; undefined: pictures keep their size. */
  readonly pixels: { readonly least: number; readonly most: number } | undefined;
  /** S. */
  readonly patchSize: number;
  /** Frames of a patch; a picture is repeated. */
  readonly frames: number;
  /** M. */
  readonly merge: number;
}

/** Longest side in relation to the shorter one. */
const MAX_RATIO = 200;
const MAX_PIXELS = 2 ** 26;
const IMAGE_TOKEN = '<|image_pad|>';

const pixelCount = z.int().min(1).max(MAX_PIXELS);
const patch = z.int().min(1).max(256);
const few = z.int().min(1).max(16);
const pictureSchema = z.looseObject({
  size: z.looseObject({ shortest_edge: pixelCount.nullish(), longest_edge: pixelCount.nullish() }).nullish(),
  min_pixels: pixelCount.nullish(),
  max_pixels: pixelCount.nullish(),
  patch_size: patch.nullish(),
  temporal_patch_size: few.nullish(),
  merge_size: few.nullish(),
});
/** @throws CheckpointError when a file is missing or a key is wrong */
export function parseQwen25VLProcessor(files: ProcessorFiles): Qwen25VLProcessorConfig {
  const { resizes, ...pixels } = parsePixelConfig(files, { filter: 'bicubic', ...CLIP_PIXELS });
  const { json, file } = pictureJson(files);
  const keys = parseConfig(pictureSchema, json, file);
  const least = keys.min_pixels ?? keys.size?.shortest_edge ?? 56 * 56;
  const most = keys.max_pixels ?? keys.size?.longest_edge ?? 28 * 28 * 1280;
  if (least > most)
    throw new CheckpointError(`${file}: at least ${least} pixels, but at most ${most}`, 'correct min_pixels');
  return {
    ...pixels,
    pixels: resizes ? { least, most } : undefined,
    patchSize: keys.patch_size ?? 14,
    frames: keys.temporal_patch_size ?? 2,
    merge: keys.merge_size ?? 2,
  };
}

/**
 * @param model to see that both belong together
 * @throws CheckpointError when files are wrong, or model and processor cut pictures differently
 */
export function createQwen25VLProcessor(
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
  model?: Qwen25VLConfig,
): Qwen25VLProcessor {
  const config = parseQwen25VLProcessor(files);
  const token = findImageToken(tokenizer, IMAGE_TOKEN, model?.imageToken);
  if (model !== undefined) {
    const { patchSize, frames, merge } = model.vision;
    if (patchSize !== config.patchSize || frames !== config.frames || merge !== config.merge)
      throw new CheckpointError(
        `the processor cuts patches of ${config.patchSize} pixels and ${config.frames} frames, ${config.merge ** 2} of which are one image token; the model expects ${patchSize} pixels, ${frames} frames and ${merge ** 2} for a row of features`,
        'processor and model are of different checkpoints: fetch it again',
      );
  }
  return new Qwen25VLProcessor(config, tokenizer, token);
}

export class Qwen25VLProcessor implements ImageTextProcessor {
  readonly config: Qwen25VLProcessorConfig;
  readonly #tokenizer: CheckpointTokenizer;
  readonly #token: ImageToken;
  readonly #pixels: PixelTables;

  constructor(config: Qwen25VLProcessorConfig, tokenizer: CheckpointTokenizer, token: ImageToken) {
    this.config = config;
    this.#tokenizer = tokenizer;
    this.#token = token;
    this.#pixels = new PixelTables(config);
  }

  /** Boxes, in pixels of the picture as the model sees it. */
  readonly grounding: Grounding = {
    question: groundingPrompt,
    read: (answer, picture) =>
      parseBoxes(answer, { seen: this.seenSize(picture), given: [picture.height, picture.width] }),
  };

  /** @returns of each picture `pixel_values` [P, C] and its grid, and positions in time, height and width */
  prepare(text: string, pictures: readonly Picture[]): PreparedPrompt {
    const { merge, patchSize } = this.config;
    const prepared = pictures.map((picture): PreparedPicture => {
      const fitted = this.fit(picture);
      const grid = [1, fitted.height / patchSize, fitted.width / patchSize] as const;
      return {
        inputs: { pixel_values: this.patches(fitted) },
        features: (grid[1] * grid[2]) / merge ** 2,
        imageSize: [picture.height, picture.width],
        grid,
      };
    });
    const repeats = prepared.map(({ features }) => features);
    const tokens = encodePictures(this.#tokenizer, text, this.#token, repeats);
    const grids = prepared.map(({ grid }) => [grid![1] / merge, grid![2] / merge] as const);
    const positions = multimodalPositions({ tokens, imageToken: this.#token.id, pictures: grids });
    return { tokens, pictures: prepared, ...positions };
  }

  regions(pictures: readonly Picture[]): readonly FeatureRegions[] {
    const { patchSize, merge } = this.config;
    return pictures.map((picture) => {
      const [height, width] = this.seenSize(picture);
      return cellsOf(height / (patchSize * merge), width / (patchSize * merge));
    });
  }

  /** Height and width that a picture is resized to. @throws DataError when it is too narrow */
  seenSize({ height, width }: Pick<Picture, 'height' | 'width'>): readonly [height: number, width: number] {
    const { pixels, patchSize, merge } = this.config;
    return pixels === undefined
      ? [height, width]
      : smartSize({ height, width }, patchSize * merge, pixels.least, pixels.most);
  }

  /** Resized so that merged patches fill it. @throws DataError when it is too narrow, or does not fit and may not be resized */
  fit(source: Picture): Picture {
    const { pixels, patchSize, merge, filter } = this.config;
    const unit = patchSize * merge;
    const picture = onBackground(source);
    if (pixels !== undefined) {
      const [height, width] = this.seenSize(picture);
      return resize(picture, width, height, filter);
    }
    if (picture.width % unit !== 0 || picture.height % unit !== 0)
      throw new DataError(
        `a picture of ${source.width} × ${source.height} is not made of squares of ${unit} pixels`,
        'resize it; this checkpoint says do_resize: false',
      );
    return picture;
  }

  /**
   * Patches in the order that the model merges them: the M × M of a square side by side.
   * @returns [P, C], of each patch all values by channel, frame, row and column
   */
  patches(picture: Picture): HostTensor<'float32'> {
    const { patchSize: size, frames, merge } = this.config;
    const { data, width, height } = picture;
    const rows = height / size;
    const columns = width / size;
    const perFrame = size * size;
    const perPatch = 3 * frames * perFrame;
    const out = new Float32Array(rows * columns * perPatch);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const square = Math.floor(row / merge) * (columns / merge) + Math.floor(column / merge);
        const index = square * merge ** 2 + (row % merge) * merge + (column % merge);
        for (let c = 0; c < 3; c++) {
          const at = index * perPatch + c * frames * perFrame;
          for (let y = 0; y < size; y++) {
            let from = ((row * size + y) * width + column * size) * 3 + c;
            for (let x = 0; x < size; x++, from += 3) out[at + y * size + x] = this.#pixels.value(c, data[from]!);
          }
          for (let frame = 1; frame < frames; frame++) out.copyWithin(at + frame * perFrame, at, at + perFrame);
        }
      }
    return hostTensor('float32', [rows * columns, perPatch], out);
  }
}

/** Multiples of `unit` near a picture's sides, with a number of pixels within bounds. @throws DataError */
export function smartSize(
  { height, width }: { readonly height: number; readonly width: number },
  unit: number,
  least: number,
  most: number,
): readonly [height: number, width: number] {
  if (Math.max(height, width) / Math.min(height, width) > MAX_RATIO)
    throw new DataError(
      `a picture of ${width} × ${height} is too narrow: one side may be at most ${MAX_RATIO} times the other`,
      'cut it into pieces',
    );
  const nearest = (value: number): number => roundHalfEven(value / unit) * unit;
  const size = [nearest(height), nearest(width)] as const;
  const area = size[0] * size[1];
  if (area > most) {
    const shrink = Math.sqrt((height * width) / most);
    const below = (value: number): number => Math.max(unit, Math.floor(value / shrink / unit) * unit);
    return [below(height), below(width)];
  }
  if (area < least) {
    const grow = Math.sqrt(least / (height * width));
    const above = (value: number): number => Math.ceil((value * grow) / unit) * unit;
    return [above(height), above(width)];
  }
  return size;
}
