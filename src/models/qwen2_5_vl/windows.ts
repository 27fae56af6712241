// P patches, M rows of merged patches (features), W windows, L most patches in a window
import { DataError, hostTensor, type HostTensor } from '../../core/index.ts';

/** Patches of a picture in height and width, both multiples of the merge size. */
export interface PatchGrid {
  readonly height: number;
  readonly width: number;
}

/** How a picture's patches are cut into windows of attention. */
export interface WindowShape {
  /** Patches along a side that become one feature. */
  readonly merge: number;
  /** Features along a side of a window. */
  readonly side: number;
}

/**
 * Where the patches of a picture go while windows are attended over. Patches arrive feature by feature (the merge²
 * patches of one feature in a row); features are then put into the order of their windows.
 */
export interface WindowLayout {
  /** [M] int64: which feature stands at each place in the order of windows. */
  readonly order: HostTensor<'int64'>;
  /** [M] int64: at which place of that order each feature stands. */
  readonly inverse: HostTensor<'int64'>;
  /** [W, L] int64: the patches of each window, counted in the order of windows; windows at an edge are filled up. */
  readonly windows: HostTensor<'int64'>;
  /** [W, L]: 1 where `windows` holds a patch, 0 where it is filled up. */
  readonly mask: HostTensor<'float32'>;
  /** [P] int64: where in the flattened `windows` each patch is. */
  readonly places: HostTensor<'int64'>;
}

/** Rows and columns of features. @throws DataError where the patches cannot be merged */
export function featureGrid({ height, width }: PatchGrid, merge: number): readonly [rows: number, columns: number] {
  const [rows, columns] = [height / merge, width / merge];
  if (!(Number.isSafeInteger(rows) && Number.isSafeInteger(columns) && rows > 0 && columns > 0))
    throw new DataError(
      `a picture of ${height} × ${width} patches, of which ${merge} × ${merge} become one feature`,
      `resize it so that both sides are multiples of ${merge} patches`,
    );
  return [rows, columns];
}

/** Windows of a picture, row by row, and those at the right and lower edge as large as what is left. */
export function windowLayout(grid: PatchGrid, { merge, side }: WindowShape): WindowLayout {
  const [rows, columns] = featureGrid(grid, merge);
  const [down, across] = [Math.ceil(rows / side), Math.ceil(columns / side)];
  const unit = merge * merge;
  const longest = Math.min(rows, side) * Math.min(columns, side) * unit;
  const order = hostTensor('int64', [rows * columns]);
  const inverse = hostTensor('int64', [rows * columns]);
  const windows = hostTensor('int64', [down * across, longest]);
  const mask = hostTensor('float32', [down * across, longest]);
  const places = hostTensor('int64', [rows * columns * unit]);
  let next = 0;
  for (let window = 0; window < down * across; window++) {
    const [top, left] = [Math.floor(window / across) * side, (window % across) * side];
    let filled = window * longest;
    for (let row = top; row < Math.min(rows, top + side); row++) {
      for (let column = left; column < Math.min(columns, left + side); column++, next++) {
        const feature = row * columns + column;
        order.data[next] = BigInt(feature);
        inverse.data[feature] = BigInt(next);
        for (let patch = next * unit; patch < (next + 1) * unit; patch++, filled++) {
          windows.data[filled] = BigInt(patch);
          mask.data[filled] = 1;
          places.data[patch] = BigInt(filled);
        }
      }
    }
  }
  return { order, inverse, windows, mask, places };
}

/**
 * Cosines and sines of every patch, in the order of windows: a quarter of a head turns with the row, a quarter with the
 * column, and its second half by the same angles (2-D rotary positions, Wang et al. 2024, arXiv 2409.12191, section 2.1).
 * @param order as {@link windowLayout} gives it  @returns [P, K] each
 */
export function patchRotary(
  grid: PatchGrid,
  { merge }: WindowShape,
  order: HostTensor<'int64'>,
  frequencies: Float64Array,
): { cosines: HostTensor<'float32'>; sines: HostTensor<'float32'> } {
  const [, columns] = featureGrid(grid, merge);
  const quarter = frequencies.length;
  const width = 4 * quarter;
  const patches = grid.height * grid.width;
  const cosines = hostTensor('float32', [patches, width]);
  const sines = hostTensor('float32', [patches, width]);
  for (let patch = 0; patch < patches; patch++) {
    const feature = Number(order.data[Math.floor(patch / (merge * merge))]!);
    const within = patch % (merge * merge);
    const row = Math.floor(feature / columns) * merge + Math.floor(within / merge);
    const column = (feature % columns) * merge + (within % merge);
    for (let i = 0; i < width; i++) {
      const part = i % (2 * quarter);
      const angle = (part < quarter ? row : column) * frequencies[part % quarter]!;
      cosines.data[patch * width + i] = Math.cos(angle);
      sines.data[patch * width + i] = Math.sin(angle);
    }
  }
  return { cosines, sines };
}
