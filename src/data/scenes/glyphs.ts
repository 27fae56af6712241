/**
 * Capital letters and digits as strokes, so that words look alike on every machine, whatever fonts it has.
 * Each glyph lies on a grid 4 wide and 6 high, y downwards. A stroke is a chain of points, two characters each.
 */
const STROKES: Readonly<Record<string, string>> = {
  A: '06 20 46|14 34',
  B: '06 00 30 41 42 33 03|33 44 45 36 06',
  C: '41 30 10 01 05 16 36 45',
  D: '06 00 20 42 44 26 06',
  E: '40 00 06 46|03 33',
  F: '40 00 06|03 33',
  G: '41 30 10 01 05 16 36 45 43 23',
  H: '00 06|40 46|03 43',
  I: '10 30|20 26|16 36',
  J: '20 40|30 35 26 16 05',
  K: '00 06|40 03 46',
  L: '00 06 46',
  M: '06 00 23 40 46',
  N: '06 00 46 40',
  O: '10 30 41 45 36 16 05 01 10',
  P: '06 00 30 41 42 33 03',
  Q: '10 30 41 45 36 16 05 01 10|24 46',
  R: '06 00 30 41 42 33 03|23 46',
  S: '41 30 10 01 02 13 33 44 45 36 16 05',
  T: '00 40|20 26',
  U: '00 05 16 36 45 40',
  V: '00 26 40',
  W: '00 16 23 36 40',
  X: '00 46|40 06',
  Y: '00 23 40|23 26',
  Z: '00 40 06 46',
  0: '10 30 41 45 36 16 05 01 10|32 14',
  1: '11 20 26|16 36',
  2: '01 10 30 41 42 06 46',
  3: '00 40 22 32 43 45 36 16 05',
  4: '30 04 44|30 36',
  5: '40 00 02 32 43 45 36 16 05',
  6: '30 10 01 05 16 36 45 44 33 13 04',
  7: '00 40 16',
  8: '10 30 41 42 33 13 02 01 10|13 04 05 16 36 45 44 33',
  9: '16 36 45 41 30 10 01 02 13 33 42',
};

/** The glyphs in the order of their numbers: letters and digits. */
export const GLYPHS: readonly string[] = Object.keys(STROKES).sort();

/** Width and height of a glyph, and from one glyph to the next. */
export const GLYPH_WIDTH = 4;
export const GLYPH_HEIGHT = 6;
export const GLYPH_STEP = 5.6;

/** Segments of a text, four numbers each (x0, y0, x1, y1), in units of the grid; the first glyph begins at 0, 0. */
export function textSegments(text: string): Float32Array {
  const segments: number[] = [];
  [...text].forEach((character, place) => {
    const left = place * GLYPH_STEP;
    for (const stroke of STROKES[character]?.split('|') ?? []) {
      const points = stroke.split(' ').map((point) => [left + Number(point[0]), Number(point[1])] as const);
      for (let i = 1; i < points.length; i++) segments.push(...points[i - 1]!, ...points[i]!);
    }
  });
  return Float32Array.from(segments);
}

/** Width of a text in units of the grid. */
export function textWidth(text: string): number {
  return (text.length - 1) * GLYPH_STEP + GLYPH_WIDTH;
}
