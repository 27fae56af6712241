/** Which rows of features LLaVA-OneVision makes of a picture's tiles (Li et al. 2024, arXiv 2408.03326, section 3.2). */
// F rows of features, K rows that each is made of, H rows and W columns of a grid
import { hostTensor, ShapeError } from '../../core/index.ts';
import type { Arrangement } from '../common/generating.ts';
import { cellsOf, type FeatureRegions, squareAround } from '../common/regions.ts';

/** How pictures are cut into tiles. */
export interface TileLayout {
  /** Side of a tile in pixels. */
  readonly tileSize: number;
  /** Patches on a tile's side. */
  readonly patches: number;
  /** Grids of more patches than those of so many tiles are scaled down. */
  readonly mostTiles: number;
  /** Sizes in pixels that pictures are brought to, which tiles fill. */
  readonly pinpoints: readonly (readonly [height: number, width: number])[];
}

/** A picture as it comes in tiles: the whole, and what it is cut into; or the whole alone. */
export interface TiledPicture {
  readonly tiles: number;
  /** As it was given. */
  readonly imageSize?: readonly [height: number, width: number] | undefined;
}

/** Rows and the weight of each. */
type Mixture = readonly (readonly [row: number, weight: number])[];

const NEW_LINE: Mixture = [[0, 1]];

/** Of the sizes that pictures are brought to, the one that keeps most of a picture, and of those the smallest. */
export function bestResolution(
  [height, width]: readonly [number, number],
  pinpoints: TileLayout['pinpoints'],
): readonly [height: number, width: number] {
  let best = pinpoints[0]!;
  let [mostKept, leastWasted] = [-1, Infinity];
  for (const size of pinpoints) {
    const scale = Math.min(size[1] / width, size[0] / height);
    const kept = Math.min(Math.trunc(width * scale) * Math.trunc(height * scale), width * height);
    const wasted = size[0] * size[1] - kept;
    if (kept < mostKept || (kept === mostKept && wasted >= leastWasted)) continue;
    [best, mostKept, leastWasted] = [size, kept, wasted];
  }
  return best;
}

/** How many rows of features a picture gives. @throws ShapeError as {@link featureRows} does */
export function countFeatures(picture: TiledPicture, layout: TileLayout): number {
  return mixturesOf(picture, layout, 0).length;
}

/**
 * The features of pictures, one after another: the whole picture's patches; then the grid of its parts, without what was
 * added around the picture, scaled down where it is large, with a new-line vector after each row. What they are made of
 * has, tile by tile, a row of the new-line vector and a row for each patch.
 * @throws ShapeError when a picture's tiles are not those of its size
 */
export function featureRows(pictures: readonly TiledPicture[], layout: TileLayout): Arrangement {
  const all: Mixture[] = [];
  let first = 0;
  for (const picture of pictures) {
    for (const mixture of mixturesOf(picture, layout, first)) all.push(mixture);
    first += picture.tiles * (1 + layout.patches ** 2);
  }
  const most = all.reduce((wide, mixture) => Math.max(wide, mixture.length), 1);
  const rows = hostTensor('int64', [all.length, most]);
  const weights = hostTensor('float32', [all.length, most]);
  all.forEach((mixture, i) =>
    mixture.forEach(([row, weight], k) => {
      rows.data[i * most + k] = BigInt(row);
      weights.data[i * most + k] = weight;
    }),
  );
  return { rows, weights };
}

/** @param first row of the picture's first tile */
function mixturesOf({ tiles, imageSize }: TiledPicture, layout: TileLayout, first: number): Mixture[] {
  const { patches, tileSize, pinpoints } = layout;
  const whole = Array.from({ length: patches ** 2 }, (_, i): Mixture => [[first + 1 + i, 1]]);
  if (tiles === 1) return [...whole, NEW_LINE];
  if (imageSize === undefined || imageSize.some((length) => !Number.isInteger(length) || length < 1))
    throw new ShapeError(`a picture in ${tiles} tiles of size ${imageSize?.join(' × ') ?? 'unknown'}`, 'give its size');
  const best = bestResolution(imageSize, pinpoints);
  const columns = best[1] / tileSize;
  const asked = (best[0] / tileSize) * columns + 1;
  if (tiles !== asked)
    throw new ShapeError(
      `a picture of ${imageSize.join(' × ')} pixels comes in ${tiles} tiles, and the model wants ${asked}`,
      'image_grid_pinpoints of preprocessor_config.json and of config.json must be the same',
    );
  // Where the patch at a place of the grid stands, tile by tile.
  const rowAt = (y: number, x: number): number => {
    const tile = 1 + Math.floor(y / patches) * columns + Math.floor(x / patches);
    return first + tile * (1 + patches ** 2) + 1 + (y % patches) * patches + (x % patches);
  };
  const grid = [(best[0] / tileSize) * patches, columns * patches] as const;
  return [...whole, ...partsOf(unpadded(grid, imageSize), layout, rowAt)];
}

/** Where each row of features of a picture looks, in the order of {@link featureRows}. @throws ShapeError as that does */
export function featureRegions(picture: TiledPicture, layout: TileLayout): FeatureRegions {
  const { patches, pinpoints, tileSize } = layout;
  const count = countFeatures(picture, layout);
  const whole = cellsOf(patches, patches, picture.tiles === 1 ? squareAround(sizeOf(picture)) : undefined);
  if (picture.tiles === 1) return [...whole, undefined];
  const best = bestResolution(picture.imageSize!, pinpoints);
  const grid = [(best[0] / tileSize) * patches, (best[1] / tileSize) * patches] as const;
  const { height, width } = unpadded(grid, picture.imageSize!);
  // Scaled down, rows have as many columns less.
  const left = count - patches ** 2;
  const ratio = Math.sqrt((height * width) / (layout.mostTiles * patches ** 2));
  const columns = ratio > 1.1 ? floorDivide(width, ratio) : width;
  const rows = left / (columns + 1);
  const cells = cellsOf(rows, columns);
  const lines = Array.from({ length: rows }, (_, row) => [
    ...cells.slice(row * columns, (row + 1) * columns),
    undefined,
  ]);
  return [...whole, ...lines.flat()];
}

function sizeOf({ imageSize: [height, width] = [1, 1] }: TiledPicture): { width: number; height: number } {
  return { width, height };
}

/** The grid of a picture's parts, row by row. */
function partsOf(window: Window, layout: TileLayout, rowAt: (y: number, x: number) => number): Mixture[] {
  const { top, left, height, width } = window;
  const ratio = Math.sqrt((height * width) / (layout.mostTiles * layout.patches ** 2));
  const [rows, columns] =
    ratio > 1.1
      ? [interpolated(height, floorDivide(height, ratio)), interpolated(width, floorDivide(width, ratio))]
      : [interpolated(height, height), interpolated(width, width)];
  return rows.flatMap((down) => [
    ...columns.map((across) =>
      down.flatMap(([y, vertical]) =>
        across.map(([x, horizontal]) => [rowAt(top + y, left + x), vertical * horizontal] as const),
      ),
    ),
    NEW_LINE,
  ]);
}

interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** The part of a grid in which the picture itself is, without the borders that brought it to the grid's shape. */
function unpadded([height, width]: readonly [number, number], imageSize: readonly [number, number]): Window {
  const [imageHeight, imageWidth] = imageSize;
  if (imageWidth / imageHeight > width / height) {
    const top = Math.floor((height - wholePart(imageHeight * (width / imageWidth))) / 2);
    return { top, left: 0, height: height - 2 * top, width };
  }
  const left = Math.floor((width - wholePart(imageWidth * (height / imageHeight))) / 2);
  return { top: 0, left, height, width: width - 2 * left };
}

/** Cut to a whole number, but for what is only just below it. */
function wholePart(x: number): number {
  return Math.trunc(Math.round(x * 1e7) / 1e7);
}

/** ⌊a / b⌋ by the remainder: the quotient could be rounded up to a whole number. */
function floorDivide(a: number, b: number): number {
  return Math.round((a - (a % b)) / b);
}

/** Linear interpolation between the middles of `from` cells, at the middles of `to` cells. Each is one place or two. */
function interpolated(from: number, to: number): Mixture[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const [low, share] = [Math.floor(at), at % 1];
    if (share === 0 || low + 1 >= from) return [[Math.min(low, from - 1), 1]];
    return [
      [low, 1 - share],
      [low + 1, share],
    ];
  });
}
