/** Pictures and text for LLaVA-OneVision (Li et al. 2024, arXiv:2408.03326). */
// N tiles, S their side in pixels, F rows of features
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { type CheckpointTokenizer, crop, onBackground, type Picture, resize } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { ImageTextProcessor, PreparedPicture, PreparedPrompt } from '../common/generating.ts';
import { checkTiles, encodePictures, findImageToken, type ImageToken } from '../common/image-tokens.ts';
import {
  CLIP_PIXELS,
  parsePictureConfig,
  parseProcessorKeys,
  pictureJson,
  type PixelConfig,
  type ProcessorFiles,
} from '../common/picture-config.ts';
import { meanColour, padToMiddle, PixelTables } from '../common/picture-processor.ts';
import type { FeatureRegions } from '../common/regions.ts';
import { type LlavaOnevisionConfig, PINPOINTS } from './config.ts';
import { bestResolution, countFeatures, featureRegions, type TileLayout } from './features.ts';

/** What a {@link LlavaOnevisionProcessor} is built from. */
export interface LlavaOnevisionProcessorConfig extends PixelConfig {
  /** S. */
  readonly tile: number;
  /** Features of a tile. */
  readonly tokensPerTile: number;
  /** Resolutions that a picture may be cut at, and how many features are kept of it. */
  readonly layout: TileLayout;
  /** Whether one token less is written (`default`), for encoders with a class token. */
  readonly dropsFirst: boolean;
  readonly imageToken: string;
}

const side = z.int().min(1).max(16_384);
const resolutions = z
  .array(z.tuple([side, side]))
  .min(1)
  .max(1000);
const strategy = z.enum(['default', 'full']);
const aspect = z.string().regex(/^anyres_max_[1-9]\d{0,3}$/);

const pictureSchema = z.looseObject({ image_grid_pinpoints: resolutions.nullish() });
const processorSchema = z.looseObject({
  num_image_tokens: z.int().min(1).max(100_000).nullish(),
  vision_feature_select_strategy: strategy.nullish(),
  vision_aspect_ratio: aspect.nullish(),
  image_token: z.string().min(1).max(1000).nullish(),
});
/** @throws CheckpointError when a file is missing or a key is wrong */
export function parseLlavaOnevisionProcessor(files: ProcessorFiles): LlavaOnevisionProcessorConfig {
  const {
    size,
    crop: cropped,
    ...pixels
  } = parsePictureConfig(files, {
    size: { kind: 'exact', height: 384, width: 384 },
    square: true,
    filter: 'bicubic',
    ...CLIP_PIXELS,
  });
  const { json, file } = pictureJson(files);
  const tile =
    size?.kind === 'exact' && size.height === size.width
      ? size.height
      : size?.kind === 'shortest' && size.most === undefined
        ? size.side
        : undefined;
  if (tile === undefined || cropped !== undefined)
    throw new CheckpointError(
      `${file}: pictures must be resized to squares and not be cropped`,
      'give size as { height, width } of one length, without do_center_crop',
    );
  const keys = parseConfig(pictureSchema, json, file);
  const processor = parseProcessorKeys(processorSchema, files);
  if (processor.num_image_tokens === undefined || processor.num_image_tokens === null)
    throw new CheckpointError('processor_config.json: no num_image_tokens', 'fetch the checkpoint again');
  return {
    ...pixels,
    tile,
    tokensPerTile: processor.num_image_tokens,
    layout: {
      tileSize: tile,
      patches: Math.trunc(Math.sqrt(processor.num_image_tokens)),
      mostTiles: Number((processor.vision_aspect_ratio ?? 'anyres_max_9').replace('anyres_max_', '')),
      pinpoints: keys.image_grid_pinpoints ?? PINPOINTS,
    },
    dropsFirst: processor.vision_feature_select_strategy === 'default',
    imageToken: processor.image_token ?? '<image>',
  };
}

/**
 * @param model to see that both belong together
 * @throws CheckpointError when files are wrong, or model and processor cut pictures differently
 */
export function createLlavaOnevisionProcessor(
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
  model?: LlavaOnevisionConfig,
): LlavaOnevisionProcessor {
  const config = parseLlavaOnevisionProcessor(files);
  const token = findImageToken(tokenizer, config.imageToken, model?.imageToken);
  if (model !== undefined) {
    const { tileSize: modelSide, patches, mostTiles, pinpoints } = model.tiles;
    const { tile, tokensPerTile: tokens, dropsFirst, layout } = config;
    checkTiles({ tokens: tokens - (dropsFirst ? 1 : 0), features: patches ** 2, side: tile, modelSide });
    // The model leaves the padding out by its own copy of these settings.
    if (mostTiles !== layout.mostTiles || JSON.stringify(pinpoints) !== JSON.stringify(layout.pinpoints))
      throw new CheckpointError(
        'processor and model differ in image_grid_pinpoints or vision_aspect_ratio',
        'they are of different checkpoints: fetch it again',
      );
  }
  return new LlavaOnevisionProcessor(config, tokenizer, token);
}

export class LlavaOnevisionProcessor implements ImageTextProcessor {
  readonly config: LlavaOnevisionProcessorConfig;
  readonly #tokenizer: CheckpointTokenizer;
  readonly #token: ImageToken;
  readonly #pixels: PixelTables;

  constructor(config: LlavaOnevisionProcessorConfig, tokenizer: CheckpointTokenizer, token: ImageToken) {
    this.config = config;
    this.#tokenizer = tokenizer;
    this.#token = token;
    this.#pixels = new PixelTables(config);
  }

  /**
   * A picture that is alone is cut into tiles, with a view of the whole in front; several are one square each.
   * @returns of each picture `pixel_values` [N, 3, S, S]
   */
  prepare(text: string, pictures: readonly Picture[]): PreparedPrompt {
    const prepared = pictures.map((picture): PreparedPicture => {
      const { height, width } = picture;
      const tiles = pictures.length === 1 ? this.tiles(picture) : [this.square(picture)];
      return {
        inputs: { pixel_values: this.#pixels.batch(tiles) },
        features: this.features(picture, tiles.length),
        imageSize: [height, width],
      };
    });
    const repeats = prepared.map(({ features }) => features);
    return { tokens: encodePictures(this.#tokenizer, text, this.#token, repeats), pictures: prepared };
  }

  regions(pictures: readonly Picture[]): readonly FeatureRegions[] {
    const { layout, dropsFirst } = this.config;
    return pictures.map(({ height, width }) => {
      const [high, wide] = bestResolution([height, width], layout.pinpoints);
      const tiles =
        pictures.length === 1 ? 1 + Math.ceil(high / this.config.tile) * Math.ceil(wide / this.config.tile) : 1;
      return featureRegions({ tiles, imageSize: [height, width] }, layout).slice(dropsFirst ? 1 : 0);
    });
  }

  /** The whole picture in a square, out of proportion, and the tiles of the best resolution row by row. */
  tiles(source: Picture): Picture[] {
    const { tile, filter, layout } = this.config;
    const picture = onBackground(source);
    const [height, width] = bestResolution([picture.height, picture.width], layout.pinpoints);
    const target = { height, width };
    const inside = sizeInside(picture, target);
    const resized = resize(picture, inside.width, inside.height, filter);
    const left = Math.floor((target.width - inside.width) / 2);
    const top = Math.floor((target.height - inside.height) / 2);
    const padded = crop(resized, -left, -top, target.width, target.height, [0, 0, 0]);
    const tiles = [resize(picture, tile, tile, filter)];
    for (let y = 0; y < target.height; y += tile)
      for (let x = 0; x < target.width; x += tile) {
        const part = crop(padded, x, y, Math.min(tile, target.width - x), Math.min(tile, target.height - y));
        tiles.push(resize(part, tile, tile, filter));
      }
    return tiles;
  }

  /** One square, padded with the mean colour. */
  square(source: Picture): Picture {
    const { tile, filter, mean } = this.config;
    return resize(padToMiddle(source, meanColour(mean)), tile, tile, filter);
  }

  /** F of a picture: its whole view, the tiles' without padding, and one at the end of each row. */
  features({ height, width }: Picture, tiles: number): number {
    const { layout, dropsFirst } = this.config;
    return countFeatures({ tiles, imageSize: [height, width] }, layout) - (dropsFirst ? 1 : 0);
  }
}

/** Size of a picture inside a resolution, proportions kept. */
function sizeInside(
  { height, width }: Picture,
  target: { readonly height: number; readonly width: number },
): { readonly height: number; readonly width: number } {
  const byWidth = target.width / width;
  const byHeight = target.height / height;
  return byWidth < byHeight
    ? { width: target.width, height: Math.min(Math.ceil(height * byWidth), target.height) }
    : { height: target.height, width: Math.min(Math.ceil(width * byHeight), target.width) };
}
