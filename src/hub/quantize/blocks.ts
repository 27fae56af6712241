// N rows, K numbers in a row, G = ⌈K / block⌉ blocks of a row
/**
 * Matrices in few bits, block by block, as ONNX Runtime's MatMulNBits and GatherBlockQuantized read them:
 * a number is scale · (packed − zero point). The scale is the block's own; the last block of a row is filled up with zeros.
 */
import { CheckpointError } from '../../core/index.ts';

/** How a matrix is kept. */
export interface BlockFormat {
  readonly bits: 4 | 8;
  /** Numbers of a row that share a scale; a power of two from 16 up. */
  readonly block: number;
  /** Whether zero stands in the middle of the range for every block; otherwise each block has a zero point of its own. */
  readonly symmetric: boolean;
}

/** Rows of a matrix in few bits. */
export interface QuantizedRows {
  /** [N, G, block · bits / 8]; of two numbers of 4 bits in a byte the first is the lower half. */
  readonly packed: Uint8Array;
  /** [N, G]. */
  readonly scales: Float32Array;
  /** [N, ⌈G · bits / 8⌉], packed in the same way; absent where zero is 2^(bits − 1) everywhere. */
  readonly zeroPoints: Uint8Array | undefined;
}

/** Sizes of a quantized row. */
export interface RowSizes {
  /** G. */
  readonly blocks: number;
  /** Bytes of a block. */
  readonly blockBytes: number;
  /** Bytes of a row's zero points, where there are any. */
  readonly zeroPointBytes: number;
}

export function rowSizes(inputs: number, { bits, block }: Pick<BlockFormat, 'bits' | 'block'>): RowSizes {
  const blocks = Math.ceil(inputs / block);
  return { blocks, blockBytes: (block * bits) / 8, zeroPointBytes: Math.ceil((blocks * bits) / 8) };
}

/** Below this a block counts as zero: the inverse of its scale would be infinite. */
const SMALLEST = 1e-35;

/**
 * Quantizes rows by rounding to the nearest.
 *
 * Symmetric numbers of 4 bits reach from −8 to 7, so the number farthest from zero is put at −8, with a negative scale
 * where it is positive: the range is used to its end. Those of 8 bits reach from −127 to 127.
 * @param values [N, K]  @param inputs K
 * @throws CheckpointError when a number is not finite
 */
export function quantizeRows(values: Float32Array, inputs: number, format: BlockFormat): QuantizedRows {
  const { bits, block, symmetric } = format;
  const { blocks, blockBytes, zeroPointBytes } = rowSizes(inputs, format);
  const rows = values.length / inputs;
  const packed = new Uint8Array(rows * blocks * blockBytes);
  const scales = new Float32Array(rows * blocks);
  const zeroPoints = symmetric ? undefined : new Uint8Array(rows * zeroPointBytes);
  const levels = bits === 4 ? 15 : 255;
  const middle = bits === 4 ? 8 : 128;
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < blocks; group++) {
      const start = row * inputs + group * block;
      const end = Math.min(start + block, (row + 1) * inputs);
      let low = 0;
      let high = 0;
      let sum = 0;
      for (let i = start; i < end; i++) {
        const value = values[i]!;
        if (value < low) low = value;
        else if (value > high) high = value;
        sum += value;
      }
      if (!Number.isFinite(sum)) checkFinite(values, start, end, inputs);
      let scale: number;
      let zero = middle;
      if (!symmetric) scale = (high - low) / levels;
      else if (bits === 8) scale = Math.max(high, -low) / 127;
      else scale = (high > -low ? high : low) / -8;
      scale = Math.abs(scale) < SMALLEST ? 0 : Math.fround(scale);
      const inverse = scale === 0 ? 0 : 1 / scale;
      if (!symmetric) zero = Math.min(levels, Math.round(-low * inverse));
      scales[row * blocks + group] = scale;
      if (zeroPoints !== undefined) {
        if (bits === 8) zeroPoints[row * zeroPointBytes + group] = zero;
        else zeroPoints[row * zeroPointBytes + (group >> 1)]! |= (group & 1) === 0 ? zero : zero << 4;
      }
      // Positive from here on, so that cutting off is rounding.
      const shift = zero + 0.5;
      let out = (row * blocks + group) * blockBytes;
      if (bits === 8) {
        for (let i = start; i < end; i++) {
          const level = (values[i]! * inverse + shift) | 0;
          packed[out++] = level > levels ? levels : level < 0 ? 0 : level;
        }
        packed.fill(zero, out, (row * blocks + group + 1) * blockBytes);
      } else {
        for (let i = start; i < end; i += 2) {
          let first = (values[i]! * inverse + shift) | 0;
          let second = i + 1 < end ? (values[i + 1]! * inverse + shift) | 0 : zero;
          first = first > 15 ? 15 : first < 0 ? 0 : first;
          second = second > 15 ? 15 : second < 0 ? 0 : second;
          packed[out++] = first | (second << 4);
        }
        packed.fill(zero | (zero << 4), out, (row * blocks + group + 1) * blockBytes);
      }
    }
  }
  return { packed, scales, zeroPoints };
}

/** The numbers that quantized rows stand for. @param inputs K  @returns [N, K] */
export function dequantizeRows(quantized: QuantizedRows, inputs: number, format: BlockFormat): Float32Array {
  const { packed, scales, zeroPoints } = quantized;
  const { bits, block } = format;
  const { blocks, blockBytes, zeroPointBytes } = rowSizes(inputs, format);
  const rows = scales.length / blocks;
  const values = new Float32Array(rows * inputs);
  const unpack = (bytes: Uint8Array, start: number, i: number): number =>
    bits === 8 ? bytes[start + i]! : (bytes[start + (i >> 1)]! >> ((i & 1) * 4)) & 15;
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < blocks; group++) {
      const index = row * blocks + group;
      const zero = zeroPoints === undefined ? 1 << (bits - 1) : unpack(zeroPoints, row * zeroPointBytes, group);
      const count = Math.min(block, inputs - group * block);
      for (let i = 0; i < count; i++) {
        values[row * inputs + group * block + i] = scales[index]! * (unpack(packed, index * blockBytes, i) - zero);
      }
    }
  }
  return values;
}

/** A sum overflows where no number does only with numbers that no weight is as large as. */
function checkFinite(values: Float32Array, start: number, end: number, inputs: number): void {
  for (let i = start; i < end; i++) {
    if (Number.isFinite(values[i]!)) continue;
    throw new CheckpointError(
      `row ${Math.floor(i / inputs)}, column ${i % inputs} holds ${values[i]}`,
      'a weight that is not a finite number cannot be quantized; keep this tensor as it is',
    );
  }
}
