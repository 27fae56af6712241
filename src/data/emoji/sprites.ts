import { DataError } from '../../core/index.ts';

/**
 * All drawings of one set as small pictures with premultiplied alpha, each with ever smaller copies of itself
 * (a mip pyramid; Williams 1983), so that drawing one at a smaller scale reads few pixels and does not flicker.
 * The pixels lie in one SharedArrayBuffer, which all workers see.
 */
export interface Sprites {
  readonly set: string;
  /** Side of the largest copy; `levels` copies, each half the side of the one before. */
  readonly size: number;
  readonly levels: number;
  readonly count: number;
  /** For each drawing its place in the pixels; −1 for those that the set lacks. */
  readonly places: Int32Array;
  /** RGBA, for each drawing that there is all its levels from large to small. */
  readonly pixels: Uint8Array;
}

/** Bytes of one drawing with its levels. */
export function spriteStride(size: number, levels: number): number {
  let bytes = 0;
  for (let level = 0; level < levels; level++) bytes += (size >> level) ** 2 * 4;
  return bytes;
}

/** Where a level of a drawing that there is begins in {@link Sprites.pixels}. */
export function levelOffset(sprites: Sprites, index: number, level: number): number {
  return sprites.places[index]! * spriteStride(sprites.size, sprites.levels) + spriteStride(sprites.size, level);
}

/** Whether the set has this drawing. */
export function isDrawn(sprites: Sprites, index: number): boolean {
  return sprites.places[index]! >= 0;
}

/** The mean colour of a drawing that there is: red, green and blue, 0 to 255. */
export function meanColour(sprites: Sprites, index: number): readonly [number, number, number] {
  const level = sprites.levels - 1;
  const start = levelOffset(sprites, index, level);
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < (sprites.size >> level) ** 2 * 4; i++) sums[i & 3]! += sprites.pixels[start + i]!;
  const [red, green, blue, alpha] = sums as [number, number, number, number];
  const scale = 255 / Math.max(1, alpha);
  return [red * scale, green * scale, blue * scale];
}

/**
 * Builds the pyramids.
 * @param straight RGBA pictures with straight alpha, one after another: `count` × size × size × 4; an empty one is a drawing that
 *   the set lacks, for which no room is taken
 */
export function buildSprites(set: string, size: number, count: number, straight: Uint8Array, levels = 3): Sprites {
  if (straight.length !== count * size * size * 4) {
    throw new DataError(
      `${count} drawings of ${size} × ${size} pixels need ${count * size * size * 4} bytes, got ${straight.length}`,
    );
  }
  if (size % 2 ** (levels - 1) !== 0)
    throw new DataError(
      `a drawing size of ${size} cannot be halved ${levels - 1} times`,
      'choose a multiple of 4, e.g. 64 or 96',
    );
  const stride = spriteStride(size, levels);
  const area = size * size * 4;
  const places = new Int32Array(count);
  let there = 0;
  for (let n = 0; n < count; n++) places[n] = hasPaint(straight, n * area, area) ? there++ : -1;
  const pixels = new Uint8Array(new SharedArrayBuffer(there * stride));
  for (let n = 0; n < count; n++) {
    if (places[n]! < 0) continue;
    const from = n * area;
    let to = places[n]! * stride;
    for (let i = 0; i < area; i += 4) {
      const alpha = straight[from + i + 3]!;
      // (x·α + 127) / 255 rounds to the nearest.
      pixels[to + i] = (straight[from + i]! * alpha + 127) / 255;
      pixels[to + i + 1] = (straight[from + i + 1]! * alpha + 127) / 255;
      pixels[to + i + 2] = (straight[from + i + 2]! * alpha + 127) / 255;
      pixels[to + i + 3] = alpha;
    }
    for (let level = 1; level < levels; level++) {
      const side = size >> level;
      const next = to + (side * 2) ** 2 * 4;
      halve(pixels, to, next, side);
      to = next;
    }
  }
  return { set, size, levels, count, places, pixels };
}

function hasPaint(straight: Uint8Array, from: number, length: number): boolean {
  for (let i = from + 3; i < from + length; i += 4) if (straight[i]! > 0) return true;
  return false;
}

/** Means of 2 × 2 blocks, from `from` (side 2·side) to `to` (side). */
function halve(pixels: Uint8Array, from: number, to: number, side: number): void {
  const row = side * 8;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side * 4; x++) {
      const a = from + 2 * y * row + ((x >> 2) << 3) + (x & 3);
      pixels[to + y * side * 4 + x] = (pixels[a]! + pixels[a + 4]! + pixels[a + row]! + pixels[a + row + 4]! + 2) >> 2;
    }
  }
}
