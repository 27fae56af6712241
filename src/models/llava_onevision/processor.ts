/** Pictures and text for LLaVA-OneVision (Li et al. 2024, arXiv:2408.03326). */
// N tiles, S their side in pixels, F rows of features
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { type CheckpointTokenizer, crop, onBackground, type Picture, resize } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { ImageTextProcessor, PreparedPicture, PreparedPrompt } from '../common/generating.ts';
import {
  checkPerPicture,
  encodeWithImages,
  findImageToken,
  type ImageToken,
  replaceMarkers,
} from '../common/image-tokens.ts';
import {
  CLIP_PIXELS,
  parsePictureConfig,
  parseProcessorKeys,
  pictureJson,
  type PixelConfig,
  type ProcessorFiles,
} from '../common/picture-config.ts';
import { meanColour, padToMiddle, PixelTables } from '../common/picture-processor.ts';
import { bestResolution, keptFeatures, type Sides, sizeInside } from './resolution.ts';

/** What a {@link LlavaOnevisionProcessor} is built from. */
export interface LlavaOnevisionProcessorConfig extends PixelConfig {
  /** S. */
  readonly tile: number;
  /** Resolutions that a picture may be cut at. */
  readonly resolutions: readonly Sides[];
  /** Features of a tile. */
  readonly tokensPerTile: number;
  /** How many tiles' features are kept of a picture. */
  readonly mostTiles: number;
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
const modelSchema = z.looseObject({
  image_token_index: z.int().nullish(),
  image_token_id: z.int().nullish(),
  image_grid_pinpoints: resolutions.nullish(),
  vision_aspect_ratio: aspect.nullish(),
  vision_feature_select_strategy: strategy.nullish(),
  vision_config: z
    .looseObject({ image_size: side.nullish(), patch_size: z.int().min(1).max(1024).nullish() })
    .nullish(),
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
  const given = keys.image_grid_pinpoints?.map(([height, width]) => ({ height, width })) ?? defaultResolutions();
  const processor = parseProcessorKeys(processorSchema, files);
  if (processor.num_image_tokens === undefined || processor.num_image_tokens === null)
    throw new CheckpointError('processor_config.json: no num_image_tokens', 'fetch the checkpoint again');
  return {
    ...pixels,
    tile,
    resolutions: given,
    tokensPerTile: processor.num_image_tokens,
    mostTiles: mostTiles(processor.vision_aspect_ratio),
    dropsFirst: processor.vision_feature_select_strategy === 'default',
    imageToken: processor.image_token ?? '<image>',
  };
}

/**
 * @param model contents of config.json, to see that both belong together
 * @throws CheckpointError when files are wrong, or model and processor cut pictures differently
 */
export function createLlavaOnevisionProcessor(
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
  model?: unknown,
): LlavaOnevisionProcessor {
  const config = parseLlavaOnevisionProcessor(files);
  const keys = parseConfig(modelSchema, model ?? {}, 'config.json');
  const token = findImageToken(
    tokenizer,
    config.imageToken,
    keys.image_token_index ?? keys.image_token_id ?? undefined,
  );
  if (model !== undefined) checkModel(config, keys);
  return new LlavaOnevisionProcessor(config, tokenizer, token);
}

/** The model cuts the padding off by its own copy of these settings. */
function checkModel(config: LlavaOnevisionProcessorConfig, keys: z.infer<typeof modelSchema>): void {
  const patches = Math.floor(config.tile / (keys.vision_config?.patch_size ?? 14));
  checkPerPicture(`a tile of ${config.tile} × ${config.tile}`, config.tokensPerTile, patches ** 2);
  const its = keys.image_grid_pinpoints?.map(([height, width]) => ({ height, width })) ?? defaultResolutions();
  const shown = (sides: readonly Sides[]): string => sides.map(({ height, width }) => `${height}x${width}`).join();
  if (shown(its) !== shown(config.resolutions) || mostTiles(keys.vision_aspect_ratio) !== config.mostTiles)
    throw new CheckpointError(
      'processor and model differ in image_grid_pinpoints or vision_aspect_ratio',
      'they are of different checkpoints: fetch it again',
    );
}

function mostTiles(given: string | null | undefined): number {
  return Number((given ?? 'anyres_max_9').replace('anyres_max_', ''));
}

/** All grids of 1 to 6 tiles of 384 in each direction. */
function defaultResolutions(): Sides[] {
  return Array.from({ length: 36 }, (_, i) => ({ height: 384 * (Math.floor(i / 6) + 1), width: 384 * ((i % 6) + 1) }));
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
      const alone = pictures.length === 1;
      return {
        inputs: { pixel_values: this.#pixels.batch(alone ? this.tiles(picture) : [this.square(picture)]) },
        // The row of a single square ends with a token of its own, as each row of a grid does.
        features: (alone ? this.features(picture) : this.config.tokensPerTile + 1) - (this.config.dropsFirst ? 1 : 0),
        imageSize: [height, width],
      };
    });
    const { text: marker } = this.#token;
    const marked = replaceMarkers(
      text,
      marker,
      prepared.map(() => marker),
    );
    const repeats = prepared.map(({ features }) => features);
    return { tokens: encodeWithImages(this.#tokenizer, marked, this.#token, repeats), pictures: prepared };
  }

  /** The whole picture in a square, out of proportion, and the tiles of the best resolution row by row. */
  tiles(source: Picture): Picture[] {
    const { tile, filter, resolutions: known } = this.config;
    const picture = onBackground(source);
    const target = bestResolution(picture, known);
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

  /** F of a picture that is alone: its whole view, the tiles' without padding, and one at the end of each row. */
  features(picture: Sides): number {
    const { tile, tokensPerTile, resolutions: known, mostTiles: most } = this.config;
    const target = bestResolution(picture, known);
    const perSide = Math.trunc(Math.sqrt(tokensPerTile));
    const grid = {
      height: perSide * Math.floor(target.height / tile),
      width: perSide * Math.floor(target.width / tile),
    };
    const kept = keptFeatures(picture, grid, perSide, most);
    return tokensPerTile + kept.height * kept.width + kept.height;
  }
}
