import { DataError } from '../core/errors.ts';
import { HEAT_COLOURS } from './colours.ts';

/** A picture: `height` × `width` pixels, row after row, three bytes (red, green, blue in sRGB) each. */
export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** What a model looked at: one weight per patch of the picture, row after row, [rows, cols]. */
export interface AttentionMap {
  readonly rows: number;
  readonly cols: number;
  readonly values: Float32Array | readonly number[];
}

export interface OverlayOptions {
  /** Opacity of the colour where attention is highest, from 0 to 1; 0.75 by default. */
  readonly opacity?: number;
  /**
   * Weights that get the first and the last colour. By default the least and the greatest of the map, which shows where a
   * model looked but not how sharply; give one range to several maps to compare them.
   */
  readonly range?: readonly [low: number, high: number];
}

/** Share of the full opacity that the coldest patch gets, so that the map is seen as one sheet over the picture. */
const COLD_OPACITY = 0.45;

/**
 * Lays an attention map over a picture as a sheet of colour: upsampled bilinearly, coloured by {@link HEAT_COLOURS}, more
 * opaque where attention is higher. A map that is the same everywhere gets the coldest colour everywhere.
 * @returns a new picture of the same size
 * @throws DataError when sizes do not fit or a weight is not finite
 */
export function overlayHeatmap(picture: RgbPicture, map: AttentionMap, options: OverlayOptions = {}): RgbPicture {
  checkPicture(picture);
  const { opacity = 0.75 } = options;
  if (!(opacity >= 0 && opacity <= 1)) throw new DataError(`opacity must be from 0 to 1, got ${opacity}`);
  const heat = upsampleMap(map, picture.width, picture.height);
  const [low, high] = options.range ?? extent(map.values);
  const scale = high > low ? 1 / (high - low) : 0;
  const data = new Uint8Array(picture.data.length);
  for (let i = 0; i < heat.length; i++) {
    const t = Math.min(1, Math.max(0, (heat[i]! - low) * scale));
    const colour = Math.round(t * 255) * 3;
    const alpha = opacity * (COLD_OPACITY + (1 - COLD_OPACITY) * t);
    for (let channel = 0; channel < 3; channel++) {
      const under = picture.data[i * 3 + channel]!;
      data[i * 3 + channel] = Math.round(under + (HEAT_COLOURS[colour + channel]! - under) * alpha);
    }
  }
  return { width: picture.width, height: picture.height, data };
}

/**
 * Bilinear upsampling, [rows, cols] → [height, width]. A weight belongs to the centre of its patch; outside the outermost
 * centres it is held constant (the convention of `align_corners=False`).
 * @throws DataError when the map is empty, of the wrong length or not finite
 */
export function upsampleMap(map: AttentionMap, width: number, height: number): Float32Array {
  const { rows, cols, values } = map;
  if (!isSize(rows) || !isSize(cols) || values.length !== rows * cols) {
    throw new DataError(`an attention map of [${rows}, ${cols}] cannot have ${values.length} weights`);
  }
  if (!isSize(width) || !isSize(height)) throw new DataError(`a map cannot be drawn at ${width} × ${height} pixels`);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw new DataError(`weight ${i} of the attention map is ${values[i]}`);
  }
  const across = taps(cols, width);
  const down = taps(rows, height);
  const result = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const top = down.first[y]! * cols;
    const bottom = down.second[y]! * cols;
    const fy = down.fraction[y]!;
    for (let x = 0; x < width; x++) {
      const left = across.first[x]!;
      const right = across.second[x]!;
      const fx = across.fraction[x]!;
      const upper = values[top + left]! * (1 - fx) + values[top + right]! * fx;
      const lower = values[bottom + left]! * (1 - fx) + values[bottom + right]! * fx;
      result[y * width + x] = upper * (1 - fy) + lower * fy;
    }
  }
  return result;
}

/** For every place of the longer side: the two patches beside it and how far it is from the first to the second. */
function taps(count: number, length: number): { first: Int32Array; second: Int32Array; fraction: Float64Array } {
  const first = new Int32Array(length);
  const second = new Int32Array(length);
  const fraction = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const place = Math.min(count - 1, Math.max(0, ((i + 0.5) * count) / length - 0.5));
    first[i] = Math.floor(place);
    second[i] = Math.min(count - 1, first[i]! + 1);
    fraction[i] = place - first[i]!;
  }
  return { first, second, fraction };
}

function extent(values: ArrayLike<number>): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return [low, high];
}

function isSize(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

/** @throws DataError when the size and the number of bytes do not fit */
export function checkPicture(picture: RgbPicture): void {
  const { width, height, data } = picture;
  if (!isSize(width) || !isSize(height) || data.length !== width * height * 3) {
    throw new DataError(`a picture of ${width} × ${height} pixels in RGB cannot have ${data.length} bytes`);
  }
}
