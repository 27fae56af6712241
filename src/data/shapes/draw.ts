import type { Random } from '../../core/index.ts';
import type { Rgb } from '../emoji/background.ts';

export const SHAPES = ['circle', 'rectangle', 'triangle'] as const;
export type Shape = (typeof SHAPES)[number];

/** Named colours of CSS. */
export const COLOURS: Readonly<Record<string, Rgb>> = {
  black: [0, 0, 0],
  blue: [0, 0, 255],
  brown: [165, 42, 42],
  gray: [128, 128, 128],
  green: [0, 128, 0],
  red: [255, 0, 0],
  teal: [0, 128, 128],
  yellow: [255, 255, 0],
};

/** Points of a pixel's side that are looked at: edges become smooth. */
const SAMPLES = 3;

/**
 * One shape of one colour anywhere on a light ground, as planes [3, size, size] of 0 to 255 at `offset` of `out`. Its size, its
 * proportions, a slight turn and a slight change of its colour are drawn by chance.
 */
export function drawShape(
  shape: Shape,
  colour: Rgb,
  random: Random,
  out: Float32Array,
  offset: number,
  size: number,
): void {
  const ground = [0, 1, 2].map(() => random.uniform(228, 255));
  const ink = colour.map((channel) => Math.min(255, Math.max(0, channel + random.uniform(-10, 10))));
  const width = random.uniform(0.24, 0.56) * size;
  const height = shape === 'circle' ? width : width * random.uniform(0.7, 1.25);
  const reach = Math.max(width, height) / 2 + 1;
  const place = (): number => random.uniform(Math.min(reach, size / 2), Math.max(size - reach, size / 2));
  const [centerX, centerY] = [place(), place()];
  const angle = random.uniform(-0.15, 0.15);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let covered = 0;
      for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
        const dx = x + (0.5 + (sample % SAMPLES)) / SAMPLES - centerX;
        const dy = y + (0.5 + Math.floor(sample / SAMPLES)) / SAMPLES - centerY;
        if (inside(shape, (dx * cos + dy * sin) / width, (dy * cos - dx * sin) / height)) covered++;
      }
      const part = covered / SAMPLES ** 2;
      for (let c = 0; c < 3; c++) out[offset + (c * size + y) * size + x] = ground[c]! + part * (ink[c]! - ground[c]!);
    }
  }
}

/** Whether a point lies in a shape of width and height 1 around the origin; y grows downwards. */
function inside(shape: Shape, x: number, y: number): boolean {
  if (shape === 'circle') return x * x + y * y <= 0.25;
  if (Math.abs(y) > 0.5) return false;
  return Math.abs(x) <= (shape === 'rectangle' ? 0.5 : (y + 0.5) / 2);
}
