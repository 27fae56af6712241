// B batch, N heads, T tokens, K width of a head
import { hostTensor } from '../core/index.ts';
import { add, concat, constant, mul, neg, slice, type Tensor } from '../graph/index.ts';

/** Cosines and sines for every position, [T, K] each. */
export interface Rotary {
  readonly cosines: Tensor;
  readonly sines: Tensor;
}

/**
 * Tables for rotary positions (Su et al. 2021, arXiv 2104.09864), in the layout of Hugging Face's Llama: the first half
 * of a head is paired with the second.
 */
export function rotaryTables(length: number, headWidth: number, base = 10_000): Rotary {
  const cosines = hostTensor('float32', [length, headWidth]);
  const sines = hostTensor('float32', [length, headWidth]);
  const half = headWidth / 2;
  for (let position = 0; position < length; position++) {
    for (let i = 0; i < headWidth; i++) {
      const angle = position * base ** (-(i % half) / half);
      cosines.data[position * headWidth + i] = Math.cos(angle);
      sines.data[position * headWidth + i] = Math.sin(angle);
    }
  }
  return { cosines: constant(cosines), sines: constant(sines) };
}

/** Turns each pair by its position's angle. @param x [B, N, T, K]  @returns [B, N, T, K] */
export function applyRotary(x: Tensor, { cosines, sines }: Rotary): Tensor {
  const half = (x.shape.at(-1) as number) / 2;
  const rotated = concat([neg(slice(x, -1, half)), slice(x, -1, 0, half)], -1);
  return add(mul(x, cosines), mul(rotated, sines));
}
