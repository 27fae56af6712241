import type { Rgb } from './background.ts';

/** A pixel with less of a drawing than this (of 255) lets the outside in. */
const CLOSED = 110;

/** Draws all in another colour. @param layer premultiplied RGBA of `size` × `size` pixels, 0 to 255 */
export function inColour(layer: Float32Array, size: number, [red, green, blue]: Rgb): void {
  for (let p = 0; p < size * size * 4; p += 4) {
    const part = layer[p + 3]! / 255;
    layer[p] = red * part;
    layer[p + 1] = green * part;
    layer[p + 2] = blue * part;
  }
}

/**
 * Lays a colour behind all that lines enclose, as in a colouring book.
 * @param layer premultiplied RGBA of `size` × `size` pixels, 0 to 255
 */
export function fillInside(layer: Float32Array, size: number, [red, green, blue]: Rgb): void {
  const isOutside = outsideOf(layer, size);
  for (let i = 0, p = 0; i < size * size; i++, p += 4) {
    if (isOutside[i] === 1) continue;
    const rest = 1 - layer[p + 3]! / 255;
    layer[p]! += red * rest;
    layer[p + 1]! += green * rest;
    layer[p + 2]! += blue * rest;
    layer[p + 3] = 255;
  }
}

/** 1 for each pixel that can be reached from the border without crossing a line. */
function outsideOf(layer: Float32Array, size: number): Uint8Array {
  const isOutside = new Uint8Array(size * size);
  const open: number[] = [];
  const reach = (i: number): void => {
    if (isOutside[i] === 1 || layer[i * 4 + 3]! >= CLOSED) return;
    isOutside[i] = 1;
    open.push(i);
  };
  for (let i = 0; i < size; i++) for (const at of [i, (size - 1) * size + i, i * size, i * size + size - 1]) reach(at);
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    const x = i % size;
    if (x > 0) reach(i - 1);
    if (x < size - 1) reach(i + 1);
    if (i >= size) reach(i - size);
    if (i < size * (size - 1)) reach(i + size);
  }
  return isOutside;
}
