import type { Random } from '../../core/index.ts';

/** What may lie behind a drawing. */
export const BACKGROUNDS = ['white', 'plain', 'gradient', 'stripes', 'blotches'] as const;
export type Background = (typeof BACKGROUNDS)[number];

export type Rgb = readonly [number, number, number];
const WHITE: Rgb = [255, 255, 255];

/** Any colour, light ones more often. */
function randomColour(random: Random): Rgb {
  const light = random.uniform() < 0.6 ? 128 : 0;
  return [random.uniform(light, 255), random.uniform(light, 255), random.uniform(light, 255)];
}

/** Paints all of a canvas: three planes of `size` × `size` floats, 0 to 255, from `offset` on. */
export function paintBackground(
  kind: Background,
  random: Random,
  canvas: Float32Array,
  offset: number,
  size: number,
): void {
  if (kind === 'white') paintPlain(canvas, offset, size, WHITE);
  else if (kind === 'plain') paintPlain(canvas, offset, size, randomColour(random));
  else if (kind === 'blotches') paintBlotches(canvas, offset, size, random);
  else paintRamp(canvas, offset, size, random, kind === 'stripes');
}

export function paintPlain(canvas: Float32Array, offset: number, size: number, colour: Rgb): void {
  const area = size * size;
  for (let c = 0; c < 3; c++) canvas.fill(colour[c]!, offset + c * area, offset + (c + 1) * area);
}

/** From one colour to another along any direction, smoothly or in stripes. */
function paintRamp(canvas: Float32Array, offset: number, size: number, random: Random, stripes: boolean): void {
  const area = size * size;
  const from = randomColour(random);
  const to = randomColour(random);
  const angle = random.uniform(0, 2 * Math.PI);
  const stepX = Math.cos(angle) / size;
  const stepY = Math.sin(angle) / size;
  const waves = random.uniform(2, 7);
  const phase = random.uniform();
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const along = stepX * (x - size / 2) + stepY * (y - size / 2) + 0.5;
      let t = along < 0 ? 0 : along > 1 ? 1 : along;
      if (stripes) {
        const wave = along * waves + phase;
        t = wave - Math.floor(wave) < 0.5 ? 0 : 1;
      }
      const at = offset + y * size + x;
      canvas[at] = from[0] + t * (to[0] - from[0]);
      canvas[at + area] = from[1] + t * (to[1] - from[1]);
      canvas[at + 2 * area] = from[2] + t * (to[2] - from[2]);
    }
  }
}

const GRID = 6;
const grid = new Float32Array(GRID * GRID * 3);

/** Random colours on a coarse grid, bilinear between. */
function paintBlotches(canvas: Float32Array, offset: number, size: number, random: Random): void {
  const area = size * size;
  const base = randomColour(random);
  const spread = random.uniform(20, 110);
  for (let i = 0; i < GRID * GRID; i++) {
    for (let c = 0; c < 3; c++)
      grid[i * 3 + c] = Math.min(255, Math.max(0, base[c]! + random.uniform(-spread, spread)));
  }
  const step = (GRID - 1.001) / size;
  for (let y = 0; y < size; y++) {
    const row = Math.floor(y * step);
    const fy = y * step - row;
    for (let x = 0; x < size; x++) {
      const column = Math.floor(x * step);
      const fx = x * step - column;
      const p = (row * GRID + column) * 3;
      const q = p + GRID * 3;
      const at = offset + y * size + x;
      for (let c = 0; c < 3; c++) {
        const top = grid[p + c]! + fx * (grid[p + 3 + c]! - grid[p + c]!);
        const bottom = grid[q + c]! + fx * (grid[q + 3 + c]! - grid[q + c]!);
        canvas[at + c * area] = top + fy * (bottom - top);
      }
    }
  }
}
