/** Where in a picture its features look. */
import type { Picture, RelativeBox } from '../../data/index.ts';

/**
 * For each row of features the part of the picture that it was made of, in parts of the picture's sides as it was given; nothing
 * for rows that stand for no place, such as ends of lines. Parts may reach over the picture's sides, where it was padded.
 */
export type FeatureRegions = readonly (RelativeBox | undefined)[];

type Size = Pick<Picture, 'width' | 'height'>;

/** Even cells of an area, row by row. @param area in parts of the picture's sides */
export function cellsOf(rows: number, columns: number, area: RelativeBox = [0, 0, 1, 1]): RelativeBox[] {
  const [left, top, right, bottom] = area;
  const [width, height] = [(right - left) / columns, (bottom - top) / rows];
  return Array.from({ length: rows * columns }, (_, i): RelativeBox => {
    const [x, y] = [left + (i % columns) * width, top + Math.floor(i / columns) * height];
    return [x, y, x + width, y + height];
  });
}

/** A part of an area, both in parts: of the area's sides, and of the picture's. */
export function withinArea([left, top, right, bottom]: RelativeBox, part: RelativeBox): RelativeBox {
  const [width, height] = [right - left, bottom - top];
  return [left + part[0] * width, top + part[1] * height, left + part[2] * width, top + part[3] * height];
}

/** The square in whose middle a picture lies, in parts of the picture's sides. */
export function squareAround({ width, height }: Size): RelativeBox {
  const side = Math.max(width, height);
  const [left, top] = [Math.floor((side - width) / 2) / width, Math.floor((side - height) / 2) / height];
  return [-left, -top, side / width - left, side / height - top];
}
