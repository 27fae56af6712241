// C channels, H height, W width of a tile, P patches, F features, R rows that the encoder gives of a tile
import type { HostTensor } from '../core/index.ts';
import type { Arrangement } from '../models/index.ts';
import type { Exchange } from './exchange.ts';
import { type GridMap, onGrid } from './grid.ts';

/**
 * Adds up what pixels are worth, on the cells of the picture. Pixels of a tile [1, C, H, W] lie under the features of the tile, which are
 * a square of its cells; where pixels come as patches [P, ·], each feature has as many of them.
 * @param parts for each part of the picture, in the shape of its pixels
 */
export function cellSums({ regions, arrangement }: Exchange, parts: readonly HostTensor<'float32'>[]): GridMap {
  const count = regions.length;
  if (parts[0]!.shape.length === 2) return onGrid(regions, patchSums(parts[0]!, count));
  if (arrangement !== undefined) return onGrid(regions, arranged(parts, arrangement, count));
  // Halves of cells: pixels know more than features do of where they are.
  const split = 2;
  const rows = count / parts.length;
  const side = Math.floor(Math.sqrt(rows));
  const values = new Float64Array(count * split ** 2);
  parts.forEach((part, tile) => {
    const sums = tileSums(part, side * split);
    sums.forEach((sum, i) => {
      const [y, x] = [Math.floor(i / (side * split)), i % (side * split)];
      const cell = tile * rows + rows - side ** 2 + Math.floor(y / split) * side + Math.floor(x / split);
      values[cell * split ** 2 + (y % split) * split + (x % split)] = sum;
    });
  });
  return onGrid(regions, values, split);
}

/** @param pixels [P, ·], of which each feature has as many in a row  @returns [F] */
function patchSums({ data }: HostTensor<'float32'>, count: number): Float64Array {
  const size = data.length / count;
  const sums = new Float64Array(count);
  data.forEach((value, i) => (sums[Math.floor(i / size)]! += value));
  return sums;
}

/** Sums over side × side cells of a tile, row by row. @param pixels [1, C, H, W] */
function tileSums({ shape, data }: HostTensor<'float32'>, side: number): Float64Array {
  const [, , height, width] = shape as readonly [number, number, number, number];
  const sums = new Float64Array(side ** 2);
  data.forEach((value, i) => {
    const [y, x] = [Math.floor(i / width) % height, i % width];
    sums[Math.floor((y * side) / height) * side + Math.floor((x * side) / width)]! += value;
  });
  return sums;
}

/** What rows of the encoder have, given to the features that are made of them, by the parts that they take. @returns [F] */
function arranged(
  parts: readonly HostTensor<'float32'>[],
  { rows, weights }: Arrangement,
  count: number,
): Float64Array {
  const shares = new Map<number, number>();
  rows.data.forEach((row, i) => shares.set(Number(row), (shares.get(Number(row)) ?? 0) + weights.data[i]!));
  const most = Math.max(...shares.keys()) + 1;
  const perTile = Math.ceil(most / parts.length);
  const side = Math.floor(Math.sqrt(perTile));
  const sums = parts.map((part) => tileSums(part, side));
  const values = new Float64Array(count);
  const width = rows.shape[1]!;
  rows.data.forEach((given, i) => {
    const row = Number(given);
    // Before a tile's cells stands what is no place.
    const cell = (row % perTile) - (perTile - side ** 2);
    if (weights.data[i] === 0 || cell < 0) return;
    const sum = sums[Math.floor(row / perTile)]?.[cell] ?? 0;
    values[Math.floor(i / width)]! += (sum * weights.data[i]!) / shares.get(row)!;
  });
  return values;
}
