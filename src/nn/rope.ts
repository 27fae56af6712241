// B batch, N heads, T tokens, K width of a head, A axes of positions
import { hostTensor, type HostTensor } from '../core/index.ts';
import { add, concat, constant, gather, mul, neg, rotary, select, slice, type Tensor } from '../graph/index.ts';

/** Cosines and sines for every position, [T, K] each, or [B, 1, T, K] where rows have positions of their own. */
export interface Rotary {
  readonly cosines: Tensor;
  readonly sines: Tensor;
  /** The same for each pair once, [T, K / 2] or [B, T, K / 2]: where they are known, one operator turns a tensor. */
  readonly pairs?: { readonly cosines: Tensor; readonly sines: Tensor } | undefined;
}

/** How fast each pair of a head turns with the position. */
export interface RotaryConfig {
  readonly base: number;
  /** Stretches positions, so that a model reads longer texts than it was trained on. */
  readonly scaling?:
    | { readonly kind: 'linear'; readonly factor: number }
    | {
        /** As Llama 3.1 does: slow pairs are stretched, quick ones are not, and those between them in part. */
        readonly kind: 'llama3';
        readonly factor: number;
        readonly lowFrequencyFactor: number;
        readonly highFrequencyFactor: number;
        readonly originalLength: number;
      };
}

/** Radians per position of each of the K / 2 pairs (Su et al. 2021, arXiv 2104.09864). */
export function rotaryFrequencies(headWidth: number, { base, scaling }: RotaryConfig): Float64Array {
  const half = headWidth / 2;
  const frequencies = Float64Array.from({ length: half }, (_, i) => base ** (-i / half));
  if (scaling === undefined) return frequencies;
  if (scaling.kind === 'linear') return frequencies.map((frequency) => frequency / scaling.factor);
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalLength } = scaling;
  return frequencies.map((frequency) => {
    const turns = (originalLength * frequency) / (2 * Math.PI);
    const smooth = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
    const kept = Math.min(1, Math.max(0, smooth));
    return frequency * (kept + (1 - kept) / factor);
  });
}

/** Cosines and sines of the first `length` positions, [length, K / 2]. */
export function rotaryAngles(
  length: number,
  frequencies: Float64Array,
): { cosines: HostTensor<'float32'>; sines: HostTensor<'float32'> } {
  const half = frequencies.length;
  const cosines = hostTensor('float32', [length, half]);
  const sines = hostTensor('float32', [length, half]);
  for (let position = 0; position < length; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * frequencies[i]!;
      cosines.data[position * half + i] = Math.cos(angle);
      sines.data[position * half + i] = Math.sin(angle);
    }
  }
  return { cosines, sines };
}

/** Tables of the first `length` positions in the layout of Hugging Face's Llama: a head's first half pairs with the second. */
export function rotaryTables(length: number, headWidth: number, config: RotaryConfig | number = 10_000): Rotary {
  const frequencies = rotaryFrequencies(headWidth, typeof config === 'number' ? { base: config } : config);
  const { cosines, sines } = rotaryAngles(length, frequencies);
  const half = frequencies.length;
  // Each half of a head turns by the same angles.
  const twice = ({ data }: HostTensor<'float32'>): Tensor => {
    const table = hostTensor('float32', [length, 2 * half]);
    for (let i = 0; i < table.data.length; i++) table.data[i] = data[Math.floor(i / (2 * half)) * half + (i % half)]!;
    return constant(table);
  };
  return {
    cosines: twice(cosines),
    sines: twice(sines),
    pairs: { cosines: constant(cosines), sines: constant(sines) },
  };
}

/** Turns each pair by its position's angle. @param x [B, N, T, K]  @returns [B, N, T, K] */
export function applyRotary(x: Tensor, { cosines, sines, pairs }: Rotary): Tensor {
  if (pairs !== undefined) return rotary(x, pairs.cosines, pairs.sines);
  const half = (x.shape.at(-1) as number) / 2;
  const rotated = concat([neg(slice(x, -1, half)), slice(x, -1, 0, half)], -1);
  return add(mul(x, cosines), mul(rotated, sines));
}

/**
 * Angles of tokens that have a position on each of several axes, the pairs of a head being shared out among them (M-RoPE,
 * Wang et al. 2024, arXiv 2409.12191, section 2.1).
 * @param tables of all positions, [positions, K / 2] each  @param positions [A, B, T] int64
 * @param sections pairs that turn with each axis in turn; beyond the last axis the first comes again
 * @returns [B, T, K] each
 */
export function rotaryOnAxes(tables: Rotary, positions: Tensor, sections: readonly number[]): Rotary {
  const axes = positions.shape[0] as number;
  const pick = (table: Tensor): Tensor => {
    const onAll = gather(table, positions);
    let start = 0;
    const parts = sections.map((section, i) => {
      const part = slice(select(onAll, 0, i % axes), -1, start, start + section);
      start += section;
      return part;
    });
    return concat([...parts, ...parts], -1);
  };
  return { cosines: pick(tables.cosines), sines: pick(tables.sines) };
}
