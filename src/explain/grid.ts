import type { RelativeBox } from '../data/index.ts';
import type { FeatureRegions } from '../models/index.ts';

/** Rows and columns of a picture's cells. */
export interface Grid {
  readonly rows: number;
  readonly cols: number;
}

/** A weight for each cell of a picture, row by row; none below 0. */
export interface GridMap extends Grid {
  readonly values: Float64Array;
}

/** Most cells of a side. */
const MOST = 64;

/** A grid as fine as the finest regions. */
export function gridOf(regions: FeatureRegions): Grid {
  let [width, height] = [1, 1];
  for (const region of regions) {
    if (region === undefined) continue;
    width = Math.min(width, region[2] - region[0]);
    height = Math.min(height, region[3] - region[1]);
  }
  const count = (size: number): number => Math.min(MOST, Math.max(1, Math.round(1 / size)));
  return { rows: count(height), cols: count(width) };
}

/**
 * Lays what regions weigh on the cells that they lie over, evenly. What lies beyond the picture is left out.
 * @param values for each region, or for each of its parts: split × split of them, row by row
 */
export function onGrid(regions: FeatureRegions, values: ArrayLike<number>, split = 1): GridMap {
  const coarse = gridOf(regions);
  const [rows, cols] = [Math.min(MOST, coarse.rows * split), Math.min(MOST, coarse.cols * split)];
  const cells = new Float64Array(rows * cols);
  regions.forEach((region, i) => {
    if (region === undefined) return;
    const [width, height] = [(region[2] - region[0]) / split, (region[3] - region[1]) / split];
    for (let part = 0; part < split ** 2; part++) {
      const value = values[i * split ** 2 + part]!;
      if (value === 0) continue;
      const [left, top] = [region[0] + (part % split) * width, region[1] + Math.floor(part / split) * height];
      spread([left, top, left + width, top + height], value, { rows, cols }, cells);
    }
  });
  return { rows, cols, values: cells };
}

function spread(
  [left, top, right, bottom]: RelativeBox,
  value: number,
  { rows, cols }: Grid,
  cells: Float64Array,
): void {
  const across = shares(left, right, cols);
  for (const [row, down] of shares(top, bottom, rows))
    for (const [col, share] of across) cells[row * cols + col]! += value * down * share;
}

/** Cells of a line that a stretch of it lies over, with the part of the stretch that is there. */
function shares(from: number, to: number, count: number): [cell: number, share: number][] {
  const found: [number, number][] = [];
  const first = Math.max(0, Math.floor(from * count));
  for (let cell = first; cell < count && cell / count < to; cell++) {
    const common = Math.min(to, (cell + 1) / count) - Math.max(from, cell / count);
    // What two computations of one border differ by is not laid on the neighbour.
    if (common > 1e-9) found.push([cell, common / (to - from)]);
  }
  return found;
}

/** The same map with a sum of 1; as it is where nothing has weight. */
export function normalized({ rows, cols, values }: GridMap): GridMap {
  const sum = values.reduce((a, b) => a + b, 0);
  return { rows, cols, values: sum > 0 ? values.map((value) => value / sum) : values };
}

/** For people and programs elsewhere: six digits are more than a map knows. */
export function listed({ values }: GridMap): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(6)));
}

/** @param maps of one grid, at least one */
export function sumOf(maps: readonly GridMap[]): GridMap {
  const { rows, cols } = maps[0]!;
  const values = new Float64Array(rows * cols);
  for (const map of maps) map.values.forEach((value, i) => (values[i]! += value));
  return { rows, cols, values };
}

/**
 * What is looked at most: the cells around the greatest that have at least half of its weight and touch each other, as a box.
 * @returns nothing where nothing has weight
 */
export function peakBox({ rows, cols, values }: GridMap): RelativeBox | undefined {
  const peak = values.indexOf(Math.max(...values));
  if (!(values[peak]! > 0)) return undefined;
  const seen = new Set([peak]);
  const waiting = [peak];
  let [left, top, right, bottom] = [cols, rows, 0, 0];
  while (waiting.length > 0) {
    const cell = waiting.pop()!;
    const [row, col] = [Math.floor(cell / cols), cell % cols];
    [left, top, right, bottom] = [
      Math.min(left, col),
      Math.min(top, row),
      Math.max(right, col + 1),
      Math.max(bottom, row + 1),
    ];
    for (const [y, x] of [
      [row - 1, col],
      [row + 1, col],
      [row, col - 1],
      [row, col + 1],
    ] as const) {
      const next = y * cols + x;
      if (y < 0 || x < 0 || y >= rows || x >= cols || seen.has(next) || values[next]! < values[peak]! / 2) continue;
      seen.add(next);
      waiting.push(next);
    }
  }
  return [left / cols, top / rows, right / cols, bottom / rows];
}
