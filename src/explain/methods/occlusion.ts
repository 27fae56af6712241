import { Cover } from '../covering.ts';
import { type GridMap, gridOf } from '../grid.ts';
import type { Method } from './types.ts';

/** Cells of a window's side. */
const WINDOW = 2;
/** Most windows on a side: finer grids are looked at more coarsely. */
const MOST = 14;

/**
 * By how much the log-probability of each token falls when a window of the picture is covered (Zeiler and Fergus 2014, arXiv
 * 1311.2901): asks the model alone, whatever it is like inside. Each cell has the mean over the windows that it lies in; windows
 * after which a token becomes likelier count for nothing.
 */
export const occlusion: Method = async (exchange, chosen) => {
  const fine = gridOf(exchange.regions);
  const [rows, cols] = [Math.min(MOST, fine.rows), Math.min(MOST, fine.cols)];
  const cover = new Cover(exchange.picture, { rows, cols });
  const scored = async (picture = exchange.picture): Promise<Float64Array> =>
    exchange.scores(await exchange.features(exchange.prepared(picture)));
  const before = await scored();
  const sums = chosen.map((): GridMap => ({ rows, cols, values: new Float64Array(rows * cols) }));
  const counts = new Float64Array(rows * cols);
  for (let top = 1 - WINDOW; top < rows; top++)
    for (let left = 1 - WINDOW; left < cols; left++) {
      const isInside = (cell: number): boolean => {
        const [row, col] = [Math.floor(cell / cols), cell % cols];
        return row >= top && row < top + WINDOW && col >= left && col < left + WINDOW;
      };
      const after = await scored(cover.over(isInside));
      for (let cell = 0; cell < rows * cols; cell++) {
        if (!isInside(cell)) continue;
        counts[cell]!++;
        chosen.forEach((k, i) => (sums[i]!.values[cell]! += Math.max(0, before[k]! - after[k]!)));
      }
    }
  for (const { values } of sums) values.forEach((sum, cell) => (values[cell] = sum / counts[cell]!));
  return sums;
};
