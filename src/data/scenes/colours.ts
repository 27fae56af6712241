/** Colours as people call them, read off rendered pixels. */
import type { Language } from '../emoji/concepts.ts';

export const SCENE_COLOURS = [
  'red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'brown', 'black', 'grey', 'white',
] as const; // prettier-ignore
export type SceneColour = (typeof SCENE_COLOURS)[number];

const CHINESE: Readonly<Record<SceneColour, string>> = {
  red: '红色',
  orange: '橙色',
  yellow: '黄色',
  green: '绿色',
  blue: '蓝色',
  purple: '紫色',
  pink: '粉色',
  brown: '棕色',
  black: '黑色',
  grey: '灰色',
  white: '白色',
};

export function colourName(colour: SceneColour, language: Language): string {
  return language === 'zh' ? CHINESE[colour] : colour;
}

const RED = 0;
const ORANGE = 1;
const YELLOW = 2;
const GREEN = 3;
const BLUE = 4;
const PURPLE = 5;
const PINK = 6;
const BROWN = 7;
const BLACK = 8;
const GREY = 9;
const WHITE = 10;
/** Between the names: beige, olive and the like. */
export const NAMELESS: number = SCENE_COLOURS.length;

/**
 * Position in {@link SCENE_COLOURS} of a pixel, or their number where people would not agree.
 * @param r, g, b 0 to 255
 */
export function colourOfPixel(r: number, g: number, b: number): number {
  const max = Math.max(r, g, b);
  const spread = max - Math.min(r, g, b);
  const value = max / 255;
  const saturation = max === 0 ? 0 : spread / max;
  if (value < 0.22 || (value < 0.36 && saturation < 0.35)) return BLACK;
  if (saturation < 0.13) return value > 0.88 ? WHITE : value < 0.8 ? GREY : NAMELESS;
  let hue = max === r ? (g - b) / spread : max === g ? 2 + (b - r) / spread : 4 + (r - g) / spread;
  hue = hue < 0 ? hue * 60 + 360 : hue * 60;
  // Bluish greys are grey to the eye.
  if (saturation < 0.24) return value < 0.75 ? GREY : NAMELESS;
  if (hue < 16 || hue >= 344) {
    if (value > 0.75 && saturation < 0.58) return PINK;
    return value < 0.5 ? (saturation < 0.75 && hue < 30 ? BROWN : NAMELESS) : value < 0.58 ? NAMELESS : RED;
  }
  if (hue < 42) {
    if (value < 0.72) return BROWN;
    return saturation < 0.58 ? NAMELESS : value < 0.8 ? NAMELESS : ORANGE;
  }
  if (hue < 68) return value < 0.6 ? NAMELESS : saturation < 0.35 ? NAMELESS : YELLOW;
  if (hue < 165) return hue < 76 && value > 0.8 ? NAMELESS : GREEN;
  if (hue < 188) return NAMELESS;
  if (hue < 248) return BLUE;
  if (hue < 258) return NAMELESS;
  if (hue < 296) return PURPLE;
  if (hue < 312) return value < 0.75 ? PURPLE : NAMELESS;
  return value < 0.6 ? NAMELESS : PINK;
}

/**
 * The colour that prevails among counted pixels. Black up to a good third counts as outlines.
 * @param counts pixels of each colour, then those without a name
 */
export function prevailingColour(counts: ArrayLike<number>): SceneColour | undefined {
  let total = 0;
  let best = 0;
  for (let c = 0; c <= NAMELESS; c++) {
    total += counts[c]!;
    if (c !== BLACK && c < NAMELESS && (best === BLACK || counts[c]! > counts[best]!)) best = c;
  }
  const black = counts[BLACK]!;
  if (black > 0.75 * total) return SCENE_COLOURS[BLACK];
  if (black > 0.4 * total) return undefined;
  return counts[best]! > 0.68 * (total - black) ? SCENE_COLOURS[best] : undefined;
}
