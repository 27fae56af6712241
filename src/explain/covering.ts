import { onBackground, type Picture, picture } from '../data/index.ts';
import type { Grid } from './grid.ts';

/** Covers cells of a picture with the colour that it has in the middle of its values, which drawings have around them. */
export class Cover {
  readonly #picture: Picture;
  readonly #grid: Grid;
  readonly #colour: readonly number[];

  constructor(source: Picture, grid: Grid) {
    this.#picture = onBackground(source);
    this.#grid = grid;
    this.#colour = medianColour(this.#picture);
  }

  /** @param isCovered by the number of a cell, row by row  @returns a new picture of the same size */
  over(isCovered: (cell: number) => boolean): Picture {
    const { width, height, data } = this.#picture;
    const { rows, cols } = this.#grid;
    const out = data.slice();
    for (let row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++) {
        if (!isCovered(row * cols + col)) continue;
        const [left, right] = [edge(col, cols, width), edge(col + 1, cols, width)];
        for (let y = edge(row, rows, height); y < edge(row + 1, rows, height); y++)
          for (let i = (y * width + left) * 3; i < (y * width + right) * 3; i++) out[i] = this.#colour[i % 3]!;
      }
    return picture(width, height, 3, out);
  }
}

function edge(cell: number, cells: number, length: number): number {
  return Math.round((cell * length) / cells);
}

/** The median of each channel. */
function medianColour({ data }: Picture): number[] {
  return [0, 1, 2].map((channel) => {
    const counts = new Uint32Array(256);
    for (let i = channel; i < data.length; i += 3) counts[data[i]!]!++;
    let below = 0;
    return counts.findIndex((count) => (below += count) * 2 >= data.length / 3);
  });
}
