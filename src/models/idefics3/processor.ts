/**
 * Pictures and text for Idefics3 and SmolVLM: a picture becomes tiles and a small view of the whole, each with a token that
 * says which it is (Laurençon et al. 2024, arXiv:2408.12637; Marafioti et al. 2025, arXiv:2504.05299).
 */
// N tiles, S their side in pixels, F rows of features
import { z } from 'zod';
import { DataError } from '../../core/index.ts';
import { type CheckpointTokenizer, crop, onBackground, type Picture, resize } from '../../data/index.ts';
import { parseConfig } from '../../hub/index.ts';
import { patchesPerSide } from '../common/clip-vision.ts';
import type { ImageTextProcessor, PreparedPicture, PreparedPrompt } from '../common/generating.ts';
import {
  checkTiles,
  encodeWithImages,
  findImageToken,
  type ImageToken,
  replaceMarkers,
} from '../common/image-tokens.ts';
import {
  CENTERED_PIXELS,
  isWanted,
  parsePixelConfig,
  parseProcessorKeys,
  pictureJson,
  type PixelConfig,
  type ProcessorFiles,
} from '../common/picture-config.ts';
import { PixelTables } from '../common/picture-processor.ts';
import { cellsOf, type FeatureRegions } from '../common/regions.ts';
import type { Idefics3Config } from './config.ts';

/** What an {@link Idefics3Processor} is built from. */
export interface Idefics3ProcessorConfig extends PixelConfig {
  /** Longer side of a picture before it is cut; undefined: it keeps its size. */
  readonly longestSide: number | undefined;
  /** S. */
  readonly tile: number;
  readonly splits: boolean;
  /** Image tokens of a tile. */
  readonly tokensPerTile: number;
}

/** Most pixels of a side, whatever the files say. */
const MAX_SIDE = 4096;
const MAX_TILES = 1024;

const side = z.int().min(1).max(16_384);
const pictureSchema = z.looseObject({
  size: z.looseObject({ longest_edge: side }).nullish(),
  max_image_size: z.looseObject({ longest_edge: side }).nullish(),
  do_image_splitting: z.boolean().nullish(),
});
const processorSchema = z.looseObject({ image_seq_len: z.int().min(1).max(100_000).nullish() });
/** @throws CheckpointError when a file is missing or a key is wrong */
export function parseIdefics3Processor(files: ProcessorFiles): Idefics3ProcessorConfig {
  const { resizes, ...pixels } = parsePixelConfig(files, { filter: 'lanczos', ...CENTERED_PIXELS });
  const { json, file } = pictureJson(files);
  const keys = parseConfig(pictureSchema, json, file);
  const { image_seq_len } = parseProcessorKeys(processorSchema, files);
  return {
    ...pixels,
    longestSide: resizes ? (keys.size?.longest_edge ?? 4 * 364) : undefined,
    tile: keys.max_image_size?.longest_edge ?? 364,
    splits: isWanted(keys.do_image_splitting),
    tokensPerTile: image_seq_len ?? 169,
  };
}

/**
 * @param model to see that both belong together
 * @throws CheckpointError when files are wrong, or the model takes other tiles or makes another number of features of one
 */
export function createIdefics3Processor(
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
  model?: Idefics3Config,
): Idefics3Processor {
  const config = parseIdefics3Processor(files);
  const token = findImageToken(tokenizer, '<image>', model?.imageToken);
  if (model !== undefined) {
    const { vision, scale } = model;
    const features = (patchesPerSide(vision) / scale) ** 2;
    checkTiles({ tokens: config.tokensPerTile, features, side: config.tile, modelSide: vision.imageSize });
  }
  return new Idefics3Processor(config, tokenizer, token);
}

export class Idefics3Processor implements ImageTextProcessor {
  readonly config: Idefics3ProcessorConfig;
  readonly #tokenizer: CheckpointTokenizer;
  readonly #token: ImageToken;
  readonly #pixels: PixelTables;

  constructor(config: Idefics3ProcessorConfig, tokenizer: CheckpointTokenizer, token: ImageToken) {
    this.config = config;
    this.#tokenizer = tokenizer;
    this.#token = token;
    this.#pixels = new PixelTables(config);
  }

  /** @returns of each picture `pixel_values` [N, 3, S, S] */
  prepare(text: string, pictures: readonly Picture[]): PreparedPrompt {
    const cut = pictures.map((picture) => this.tiles(picture));
    const whole = replaceMarkers(
      text,
      this.#token.text,
      cut.map(({ rows, columns }) => tileText(rows, columns, this.#token.text)),
    );
    const repeats = cut.flatMap(({ tiles }) => tiles.map(() => this.config.tokensPerTile));
    return {
      tokens: encodeWithImages(this.#tokenizer, whole, this.#token, repeats),
      pictures: cut.map(({ tiles }, index): PreparedPicture => {
        const { height, width } = pictures[index]!;
        return {
          inputs: { pixel_values: this.#pixels.batch(tiles) },
          features: tiles.length * this.config.tokensPerTile,
          imageSize: [height, width],
        };
      }),
    };
  }

  regions(pictures: readonly Picture[]): readonly FeatureRegions[] {
    const side = Math.sqrt(this.config.tokensPerTile);
    return pictures.map((picture) => {
      const { rows, columns } = this.#cuts(picture);
      const tiles = rows === 0 ? [] : cellsOf(rows, columns);
      return [...tiles.flatMap((tile) => cellsOf(side, side, tile)), ...cellsOf(side, side)];
    });
  }

  /** Into how many rows and columns of tiles a picture is cut; none where it is left whole. */
  #cuts({ height, width }: Sides): { readonly rows: number; readonly columns: number } {
    const { tile, longestSide, splits } = this.config;
    if (!splits) return { rows: 0, columns: 0 };
    const [high, wide] = longestSide === undefined ? [height, width] : sizeWithin({ height, width }, longestSide);
    const [rows, columns] = sizeInTiles({ height: high, width: wide }, tile).map((length) => length / tile) as [
      number,
      number,
    ];
    return rows === 1 && columns === 1 ? { rows: 0, columns: 0 } : { rows, columns };
  }

  /**
   * A picture cut into tiles of S × S row by row, the whole of it last. One that is left whole has no rows.
   * @throws DataError when it would become too many
   */
  tiles(source: Picture): { readonly tiles: readonly Picture[]; readonly rows: number; readonly columns: number } {
    const { tile, filter, longestSide, splits } = this.config;
    let picture = onBackground(source);
    const resizeTo = ([height, width]: readonly [number, number]): Picture => resize(picture, width, height, filter);
    if (longestSide !== undefined) picture = resizeTo(sizeWithin(picture, longestSide));
    if (!splits) return { tiles: [resizeTo([tile, tile])], rows: 0, columns: 0 };
    const [height, width] = sizeInTiles(picture, tile);
    const rows = height / tile;
    const columns = width / tile;
    if (rows * columns > MAX_TILES)
      throw new DataError(
        `a picture of ${source.width} × ${source.height} becomes ${columns} × ${rows} tiles, more than ${MAX_TILES}`,
        'cut it into pieces of more even sides',
      );
    picture = resizeTo([height, width]);
    if (rows === 1 && columns === 1) return { tiles: [picture], rows: 0, columns: 0 };
    const tiles = Array.from({ length: rows * columns }, (_, i) =>
      crop(picture, (i % columns) * tile, Math.floor(i / columns) * tile, tile, tile),
    );
    return { tiles: [...tiles, resizeTo([tile, tile])], rows, columns };
  }
}

/** What stands for a picture, with one image token for each tile. */
function tileText(rows: number, columns: number, image: string): string {
  const around = '<fake_token_around_image>';
  const whole = `${around}<global-img>${image}${around}`;
  if (rows === 0) return whole;
  const lines = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (__, column) => `${around}<row_${row + 1}_col_${column + 1}>${image}`).join(''),
  );
  return `${lines.join('\n')}\n\n${whole}`;
}

interface Sides {
  readonly height: number;
  readonly width: number;
}

/** The longer side becomes `longest`, the other one keeps the proportions and is even. */
function sizeWithin({ height, width }: Sides, longest: number): readonly [height: number, width: number] {
  const even = (value: number): number => Math.trunc(value) + (Math.trunc(value) % 2);
  const ratio = width / height;
  const [high, wide] = width >= height ? [even(longest / ratio), longest] : [longest, even(longest * ratio)];
  const size = { height: Math.max(1, high), width: Math.max(1, wide) };
  if (Math.max(size.height, size.width) <= MAX_SIDE) return [size.height, size.width];
  const shown = size.width / size.height;
  return size.width >= size.height
    ? [Math.max(1, Math.trunc(MAX_SIDE / shown)), MAX_SIDE]
    : [MAX_SIDE, Math.max(1, Math.trunc(MAX_SIDE * shown))];
}

/** Both sides become multiples of a tile, the longer one first. */
function sizeInTiles({ height, width }: Sides, tile: number): readonly [height: number, width: number] {
  const whole = (value: number): number => Math.ceil(value / tile) * tile;
  const ratio = width / height;
  return width >= height
    ? [whole(Math.trunc(whole(width) / ratio)), whole(width)]
    : [whole(height), whole(Math.trunc(whole(height) * ratio))];
}
