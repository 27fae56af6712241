/** Words and numbers in a picture: which, and how they are drawn. */
import type { Random } from '../../core/index.ts';
import type { Rgb } from '../emoji/background.ts';
import type { Concept } from '../emoji/concepts.ts';
import { GLYPH_HEIGHT, GLYPH_STEP, GLYPH_WIDTH, textSegments, textWidth } from './glyphs.ts';

/** The words that may be written: English names and tags of one word with 2 to 6 letters, in the order of the alphabet. */
export function writableWords(concepts: readonly Concept[]): readonly string[] {
  const words = concepts.flatMap(({ wording }) => [wording.en.name, ...wording.en.tags]);
  return [...new Set(words.filter((word) => /^[a-z]{2,6}$/.test(word)))].sort();
}

/** A word in three cases of five, otherwise a number of one to four digits, without a zero in front. */
export function drawWord(words: readonly string[], random: Random): string {
  if (random.uniform() < 0.6) return random.pick(words).toUpperCase();
  const digits = 1 + random.integer(4);
  return String(digits === 1 ? random.integer(10) : 10 ** (digits - 1) + random.integer(9 * 10 ** (digits - 1)));
}

/** Whether what is written is a number and no word. */
export function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

/** Where and how a word is drawn; lengths in pixels. */
export interface WordPlacement {
  readonly text: string;
  readonly left: number;
  readonly top: number;
  /** Height of the letters. */
  readonly height: number;
  /** Half of a stroke's width, in units of the glyphs' grid. */
  readonly radius: number;
  /** Sideways shift of the upper edge, per unit of height. */
  readonly slant: number;
  /** Narrower or wider letters. */
  readonly stretch: number;
  readonly ink: Rgb;
  /** Colour of the plate behind the word. */
  readonly plate: Rgb;
}

/** Room that a word needs around its strokes, in units of the grid. */
const MARGIN = 1.1;

/** Width and height that a word takes, in pixels. */
export function wordSize(text: string, height: number, slant: number, stretch: number): readonly [number, number] {
  const unit = height / GLYPH_HEIGHT;
  const width = (textWidth(text) + 2 * MARGIN) * stretch + slant * GLYPH_HEIGHT;
  return [width * unit, (GLYPH_HEIGHT + 2 * MARGIN) * unit];
}

/**
 * Draws a word on three planes of `size` × `size` floats from `offset` on: every pixel by its distance from the strokes.
 * @returns for each letter the bounds of its strokes in pixels: left, top, right, bottom
 */
export function paintWord(
  word: WordPlacement,
  canvas: Float32Array,
  offset: number,
  size: number,
): readonly (readonly [number, number, number, number])[] {
  const { text, left, top, height, radius, slant, stretch, ink, plate } = word;
  const unit = height / GLYPH_HEIGHT;
  const [width, tall] = wordSize(text, height, slant, stretch);
  const segments = textSegments(text);
  const area = size * size;
  const bounds = Array.from(text, (): [number, number, number, number] => [size, size, 0, 0]);
  const firstX = Math.max(0, Math.floor(left));
  const lastX = Math.min(size, Math.ceil(left + width));
  const lastY = Math.min(size, Math.ceil(top + tall));
  for (let y = Math.max(0, Math.floor(top)); y < lastY; y++) {
    const v = (y + 0.5 - top) / unit - MARGIN;
    for (let x = firstX; x < lastX; x++) {
      const at = offset + y * size + x;
      for (let c = 0; c < 3; c++) canvas[at + c * area] = plate[c]!;
      const u = ((x + 0.5 - left) / unit - slant * (GLYPH_HEIGHT - v)) / stretch - MARGIN;
      const cover = Math.min(1, (radius - distance(segments, text, u, v)) * unit + 0.5);
      if (cover <= 0) continue;
      for (let c = 0; c < 3; c++) canvas[at + c * area]! += cover * (ink[c]! - canvas[at + c * area]!);
      if (cover < 0.4) continue;
      const letter = bounds[glyphAt(u, text.length)]!;
      if (x < letter[0]) letter[0] = x;
      if (y < letter[1]) letter[1] = y;
      if (x + 1 > letter[2]) letter[2] = x + 1;
      if (y + 1 > letter[3]) letter[3] = y + 1;
    }
  }
  return bounds;
}

/** Which of `count` letters a place belongs to, in units of the grid; between two it is the nearer one. */
function glyphAt(u: number, count: number): number {
  const between = (GLYPH_STEP - GLYPH_WIDTH) / 2;
  return Math.max(0, Math.min(count - 1, Math.floor((u + between) / GLYPH_STEP)));
}

/** From a point to the nearest stroke, in units of the grid. */
function distance(segments: Float32Array, text: string, u: number, v: number): number {
  let nearest = 1e9;
  const last = (text.length - 1) * GLYPH_STEP + GLYPH_WIDTH;
  if (u < -2 || u > last + 2) return nearest;
  for (let i = 0; i < segments.length; i += 4) {
    const x0 = segments[i]!;
    const x1 = segments[i + 2]!;
    if (Math.min(x0, x1) - u > 2 || u - Math.max(x0, x1) > 2) continue;
    const y0 = segments[i + 1]!;
    const dx = x1 - x0;
    const dy = segments[i + 3]! - y0;
    let t = ((u - x0) * dx + (v - y0) * dy) / (dx * dx + dy * dy);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    const squared = (u - x0 - t * dx) ** 2 + (v - y0 - t * dy) ** 2;
    if (squared < nearest) nearest = squared;
  }
  return Math.sqrt(nearest);
}
