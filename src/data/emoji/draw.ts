import { levelOffset, type Sprites } from './sprites.ts';

/** Where and how a drawing is put on a canvas. Lengths are parts of the canvas' side, angles radians. */
export interface Placement {
  readonly centerX: number;
  readonly centerY: number;
  /** Side of the drawing before the other changes. */
  readonly scale: number;
  /** Width over height. */
  readonly aspect: number;
  readonly angle: number;
  /** Horizontal shift per unit of height. */
  readonly shear: number;
  readonly mirror: boolean;
  /** Levels of the pyramid to go down beyond what the scale asks for: a blur. */
  readonly blur: number;
}

export const CENTERED: Placement = {
  centerX: 0.5,
  centerY: 0.5,
  scale: 0.92,
  aspect: 1,
  angle: 0,
  shear: 0,
  mirror: false,
  blur: 0,
};

/**
 * Draws one sprite by bilinear sampling into `layer`, premultiplied RGBA floats of `size` × `size` pixels, 0 to 255,
 * which is overwritten.
 */
export function drawSprite(
  sprites: Sprites,
  index: number,
  placement: Placement,
  layer: Float32Array,
  size: number,
): void {
  layer.fill(0, 0, size * size * 4);
  const side = placement.scale * size;
  let level = 0;
  while (level + 1 < sprites.levels && sprites.size >> (level + 1) >= side) level++;
  level = Math.min(level + placement.blur, sprites.levels - 1);
  const source = sprites.size >> level;
  const base = levelOffset(sprites, index, level);
  const pixels = sprites.pixels;

  // canvas = rotation · shear · stretch · drawing; what is needed is the inverse, from canvas to drawing.
  const stretch = Math.sqrt(placement.aspect);
  const cos = Math.cos(placement.angle);
  const sin = Math.sin(placement.angle);
  const a = (placement.mirror ? -1 : 1) * side * stretch;
  const d = side / stretch;
  const m00 = cos * a;
  const m01 = (cos * placement.shear - sin) * d;
  const m10 = sin * a;
  const m11 = (sin * placement.shear + cos) * d;
  const determinant = m00 * m11 - m01 * m10;
  const ux = (m11 / determinant) * source;
  const uy = (-m01 / determinant) * source;
  const vx = (-m10 / determinant) * source;
  const vy = (m00 / determinant) * source;
  const centerX = placement.centerX * size;
  const centerY = placement.centerY * size;
  const reachX = (Math.abs(m00) + Math.abs(m01)) / 2 + 1;
  const reachY = (Math.abs(m10) + Math.abs(m11)) / 2 + 1;
  const firstX = Math.max(0, Math.floor(centerX - reachX));
  const lastX = Math.min(size, Math.ceil(centerX + reachX));
  const firstY = Math.max(0, Math.floor(centerY - reachY));
  const lastY = Math.min(size, Math.ceil(centerY + reachY));

  for (let y = firstY; y < lastY; y++) {
    const dy = y + 0.5 - centerY;
    for (let x = firstX; x < lastX; x++) {
      const dx = x + 0.5 - centerX;
      const u = ux * dx + uy * dy + source / 2 - 0.5;
      const v = vx * dx + vy * dy + source / 2 - 0.5;
      if (u <= -1 || v <= -1 || u >= source || v >= source) continue;
      const u0 = Math.floor(u);
      const v0 = Math.floor(v);
      const fu = u - u0;
      const fv = v - v0;
      // Outside the drawing everything is transparent: its weight is zero, its address any valid one.
      const left = u0 >= 0 ? 1 - fu : 0;
      const right = u0 + 1 < source ? fu : 0;
      const top = v0 >= 0 ? 1 - fv : 0;
      const bottom = v0 + 1 < source ? fv : 0;
      const x0 = (u0 < 0 ? 0 : u0) * 4;
      const x1 = (u0 + 1 < source ? u0 + 1 : u0) * 4;
      const row0 = base + (v0 < 0 ? 0 : v0) * source * 4;
      const row1 = base + (v0 + 1 < source ? v0 + 1 : v0) * source * 4;
      const w00 = left * top;
      const w01 = right * top;
      const w10 = left * bottom;
      const w11 = right * bottom;
      const p00 = row0 + x0;
      const p01 = row0 + x1;
      const p10 = row1 + x0;
      const p11 = row1 + x1;
      if ((pixels[p00 + 3]! | pixels[p01 + 3]! | pixels[p10 + 3]! | pixels[p11 + 3]!) === 0) continue;
      const to = (y * size + x) * 4;
      layer[to] = w00 * pixels[p00]! + w01 * pixels[p01]! + w10 * pixels[p10]! + w11 * pixels[p11]!;
      layer[to + 1] = w00 * pixels[p00 + 1]! + w01 * pixels[p01 + 1]! + w10 * pixels[p10 + 1]! + w11 * pixels[p11 + 1]!;
      layer[to + 2] = w00 * pixels[p00 + 2]! + w01 * pixels[p01 + 2]! + w10 * pixels[p10 + 2]! + w11 * pixels[p11 + 2]!;
      layer[to + 3] = w00 * pixels[p00 + 3]! + w01 * pixels[p01 + 3]! + w10 * pixels[p10 + 3]! + w11 * pixels[p11 + 3]!;
    }
  }
}

/**
 * Leaves `levels` values of each channel of the layer, evenly from none to full, as a studio does that paints in few colours.
 * @param levels at least 2
 */
export function flattenColours(layer: Float32Array, size: number, levels: number): void {
  const steps = levels - 1;
  for (let p = 0; p < size * size * 4; p += 4) {
    const alpha = layer[p + 3]!;
    if (alpha < 1) continue;
    for (let c = 0; c < 3; c++) layer[p + c] = (Math.round(Math.min(1, layer[p + c]! / alpha) * steps) / steps) * alpha;
  }
}

/**
 * Darkens the edges between areas, as a studio does that draws outlines.
 * @param strength 0 leaves the layer as it is, 1 makes strong edges black
 */
export function inkEdges(layer: Float32Array, size: number, strength: number): void {
  const row = size * 4;
  for (let y = 0; y < size - 1; y++) {
    for (let x = 0; x < size - 1; x++) {
      const p = y * row + x * 4;
      let edge = 0;
      for (let c = 0; c < 4; c++) {
        const here = layer[p + c]!;
        edge += Math.abs(layer[p + 4 + c]! - here) + Math.abs(layer[p + row + c]! - here);
      }
      const ink = Math.min(1, Math.max(0, edge - 60) / 200) * strength;
      if (ink === 0) continue;
      layer[p] = layer[p]! * (1 - ink);
      layer[p + 1] = layer[p + 1]! * (1 - ink);
      layer[p + 2] = layer[p + 2]! * (1 - ink);
      layer[p + 3] = Math.max(layer[p + 3]!, ink * 255);
    }
  }
}

/** Rows of a 3 × 4 matrix: new red, green, blue from red, green, blue and 255. */
export type ColourMatrix = Float64Array;

/** Hue, saturation, contrast, brightness and a gain per channel as one matrix. */
export function colourMatrix(
  hue: number,
  saturation: number,
  contrast: number,
  brightness: number,
  gains: readonly [number, number, number],
): ColourMatrix {
  // Saturation and hue: rotation and stretch around the grey axis, keeping luma (Rec. 601 weights).
  const [lr, lg, lb] = [0.299, 0.587, 0.114];
  const cos = Math.cos(hue) * saturation;
  const sin = Math.sin(hue) * saturation;
  const turn = [
    [lr + cos * (1 - lr) - sin * lr, lg - cos * lg - sin * lg, lb - cos * lb + sin * (1 - lb)],
    [lr - cos * lr + sin * 0.143, lg + cos * (1 - lg) + sin * 0.14, lb - cos * lb - sin * 0.283],
    [lr - cos * lr - sin * (1 - lr), lg - cos * lg + sin * lg, lb + cos * (1 - lb) + sin * lb],
  ];
  const offset = 0.5 - 0.5 * contrast + brightness;
  const matrix = new Float64Array(12);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) matrix[i * 4 + j] = turn[i]![j]! * contrast * gains[i]!;
    matrix[i * 4 + 3] = offset * gains[i]!;
  }
  return matrix;
}

/**
 * Lays the layer over the canvas: `canvas` holds three planes of `size` × `size` floats, 0 to 255, from `offset` on.
 * Colours go through the matrix first; the matrix works on premultiplied colours as well, its offset being scaled by alpha.
 */
export function compose(
  layer: Float32Array,
  matrix: ColourMatrix,
  canvas: Float32Array,
  offset: number,
  size: number,
): void {
  const area = size * size;
  const [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3] = matrix as unknown as number[] as [
    number, number, number, number, number, number, number, number, number, number, number, number,
  ]; // prettier-ignore
  for (let i = 0, p = 0; i < area; i++, p += 4) {
    const alpha = layer[p + 3]!;
    if (alpha === 0) continue;
    const r = layer[p]!;
    const g = layer[p + 1]!;
    const b = layer[p + 2]!;
    const rest = 1 - alpha / 255;
    const red = a0 * r + a1 * g + a2 * b + a3 * alpha;
    const green = b0 * r + b1 * g + b2 * b + b3 * alpha;
    const blue = c0 * r + c1 * g + c2 * b + c3 * alpha;
    const at = offset + i;
    canvas[at] = (red < 0 ? 0 : red > alpha ? alpha : red) + rest * canvas[at]!;
    canvas[at + area] = (green < 0 ? 0 : green > alpha ? alpha : green) + rest * canvas[at + area]!;
    canvas[at + 2 * area] = (blue < 0 ? 0 : blue > alpha ? alpha : blue) + rest * canvas[at + 2 * area]!;
  }
}
