import { DataError } from '../core/index.ts';
import { picture, type Picture } from './image.ts';

/** Resampling filters by their names in PIL. */
export type ResizeFilter = 'box' | 'bilinear' | 'bicubic' | 'lanczos';

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Half the width of each filter, in pixels of the smaller scale, and its value. */
const FILTERS: Readonly<Record<ResizeFilter, { readonly support: number; readonly at: (x: number) => number }>> = {
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys 1981, with a = −½ as PIL has it.
  bicubic: {
    support: 2,
    at: (value) => {
      const x = Math.abs(value);
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    },
  },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Which source pixels make each target pixel, and with what weight in units of 2⁻²². */
export interface ResizeWeights {
  /** First source pixel and number of them for each target pixel. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `width` weights for each target pixel. */
  readonly weights: Int32Array;
  readonly width: number;
}

const BITS = 22;
const MAX_BYTES = 2 ** 28;

/** Weights along one axis. When shrinking, the filter is widened so that every source pixel counts (no aliasing). */
export function resizeWeights(from: number, to: number, filter: ResizeFilter): ResizeWeights {
  const { support: reach, at } = FILTERS[filter];
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = reach * stretch;
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * width);
  const values = new Float64Array(width);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const length = Math.min(from, Math.trunc(center + support + 0.5)) - start;
    let total = 0;
    for (let k = 0; k < length; k++) {
      values[k] = at((k + start - center + 0.5) * (1 / stretch));
      total += values[k]!;
    }
    for (let k = 0; k < length; k++) {
      const weight = (total === 0 ? values[k]! : values[k]! / total) * 2 ** BITS;
      weights[i * width + k] = weight < 0 ? Math.trunc(weight - 0.5) : Math.trunc(weight + 0.5);
    }
    first[i] = start;
    count[i] = length;
  }
  return { first, count, weights, width };
}

/**
 * Resizes byte for byte as PIL's `Image.resize` does: first along rows, then along columns, rounded to bytes after each.
 * Only for pictures without alpha; lay others on a background first.
 * @throws DataError for an impossible size or a picture with alpha
 */
export function resize(source: Picture, width: number, height: number, filter: ResizeFilter = 'bicubic'): Picture {
  if (source.channels !== 3)
    throw new DataError('a picture with alpha cannot be resized', 'lay it on a background first (onBackground)');
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new DataError(`a picture cannot be resized to ${width} × ${height}`, 'give whole numbers from 1 up');
  }
  // A picture of one column, made as wide as usual, would take gigabytes between the two passes.
  const largest = Math.max(width * source.height, width * height) * 3;
  if (largest > MAX_BYTES)
    throw new DataError(
      `a picture of ${source.width} × ${source.height} cannot be resized to ${width} × ${height}: that takes ${largest} bytes`,
      'cut it into pieces of more even sides first',
    );
  let { data } = source;
  if (width !== source.width)
    data = alongRows(data, source.width, source.height, resizeWeights(source.width, width, filter), width);
  if (height !== source.height) data = alongColumns(data, width, resizeWeights(source.height, height, filter), height);
  return picture(width, height, 3, data === source.data ? data.slice() : data);
}

/** Resizes so that the shorter side is `side`, keeping proportions; the longer one is rounded down, as torchvision does. */
export function resizeShorter(source: Picture, side: number, filter: ResizeFilter = 'bicubic'): Picture {
  return source.width <= source.height
    ? resize(source, side, Math.max(1, Math.trunc((side * source.height) / source.width)), filter)
    : resize(source, Math.max(1, Math.trunc((side * source.width) / source.height)), side, filter);
}

const HALF = 2 ** (BITS - 1);

function toByte(sum: number): number {
  const value = sum >> BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function alongRows(data: Uint8Array, from: number, rows: number, table: ResizeWeights, to: number): Uint8Array {
  const out = new Uint8Array(to * rows * 3);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < to; x++) {
      let p = (y * from + table.first[x]!) * 3;
      const weight = x * table.width;
      let r = HALF;
      let g = HALF;
      let b = HALF;
      for (let k = 0; k < table.count[x]!; k++, p += 3) {
        const w = table.weights[weight + k]!;
        r += data[p]! * w;
        g += data[p + 1]! * w;
        b += data[p + 2]! * w;
      }
      const q = (y * to + x) * 3;
      out[q] = toByte(r);
      out[q + 1] = toByte(g);
      out[q + 2] = toByte(b);
    }
  }
  return out;
}

function alongColumns(data: Uint8Array, columns: number, table: ResizeWeights, to: number): Uint8Array {
  const row = columns * 3;
  const out = new Uint8Array(row * to);
  const sums = new Float64Array(row);
  for (let y = 0; y < to; y++) {
    sums.fill(HALF);
    for (let k = 0; k < table.count[y]!; k++) {
      const w = table.weights[y * table.width + k]!;
      const from = (table.first[y]! + k) * row;
      for (let i = 0; i < row; i++) sums[i] = sums[i]! + data[from + i]! * w;
    }
    for (let i = 0; i < row; i++) out[y * row + i] = toByte(sums[i]!);
  }
  return out;
}
