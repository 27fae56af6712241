/** The smallest rectangle around everything painted; empty pictures give the whole. */
export interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Fainter pixels than this (of 255) do not count as painted. */
const FAINT = 8;

/** @param rgba side × side × 4 bytes */
export function paintedBounds(rgba: Uint8Array, side: number): Bounds {
  let left = side;
  let right = -1;
  let top = side;
  let bottom = -1;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (rgba[(y * side + x) * 4 + 3]! <= FAINT) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  return right < 0
    ? { left: 0, top: 0, width: side, height: side }
    : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * The rectangle shrunk to fit a square of `size` pixels and centred there, by means over areas (of premultiplied colours,
 * so that transparent pixels lend no colour). Straight alpha in and out.
 */
export function fitToSquare(rgba: Uint8Array, side: number, bounds: Bounds, size: number): Uint8Array {
  const step = Math.max(bounds.width, bounds.height) / size;
  const originX = bounds.left + bounds.width / 2 - (step * size) / 2;
  const originY = bounds.top + bounds.height / 2 - (step * size) / 2;
  const out = new Uint8Array(size * size * 4);
  for (let y = 0; y < size; y++) {
    const y0 = Math.max(bounds.top, originY + y * step);
    const y1 = Math.min(bounds.top + bounds.height, originY + (y + 1) * step);
    for (let x = 0; x < size; x++) {
      const x0 = Math.max(bounds.left, originX + x * step);
      const x1 = Math.min(bounds.left + bounds.width, originX + (x + 1) * step);
      let r = 0;
      let g = 0;
      let b = 0;
      let alpha = 0;
      for (let row = Math.floor(y0); row < y1; row++) {
        const high = Math.min(row + 1, y1) - Math.max(row, y0);
        for (let column = Math.floor(x0); column < x1; column++) {
          const p = (row * side + column) * 4;
          const weight = rgba[p + 3]! * high * (Math.min(column + 1, x1) - Math.max(column, x0));
          r += rgba[p]! * weight;
          g += rgba[p + 1]! * weight;
          b += rgba[p + 2]! * weight;
          alpha += weight;
        }
      }
      if (alpha <= 0) continue;
      const to = (y * size + x) * 4;
      out[to] = Math.round(r / alpha);
      out[to + 1] = Math.round(g / alpha);
      out[to + 2] = Math.round(b / alpha);
      out[to + 3] = Math.round(alpha / (step * step));
    }
  }
  return out;
}
