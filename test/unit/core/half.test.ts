import { describe, expect, it } from 'vitest';
import { convertFloats, fromFloat32, Random, toFloat32, type WeightDType } from '../../../src/core/index.ts';

const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]!;
const EVERY = Uint16Array.from({ length: 0x1_0000 }, (_, i) => i);

/** The nearest of two neighbours in a list that rises, the even one where both are as near. */
function nearest(value: number, rising: readonly number[]): number {
  let low = 0;
  let high = rising.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (rising[middle]! <= value) low = middle;
    else high = middle;
  }
  const [below, above] = [value - rising[low]!, rising[high]! - value];
  return below < above || (below === above && low % 2 === 0) ? low : high;
}

describe.each([
  ['float16', 5],
  ['bfloat16', 8],
] as const)('%s', (dtype: 'float16' | 'bfloat16', exponentBits) => {
  const values = toFloat32(dtype, EVERY);
  const infinity = ((1 << exponentBits) - 1) << (15 - exponentBits);
  const isNaNPattern = (bits: number): boolean => (bits & 0x7fff) > infinity;

  it('gives every number back, and NaN as NaN', () => {
    const back = fromFloat32(dtype, values);
    const changed = EVERY.filter((bits) => (isNaNPattern(bits) ? !isNaNPattern(back[bits]!) : back[bits] !== bits));
    expect([...changed]).toEqual([]);
    expect([...EVERY].every((bits) => Number.isNaN(values[bits]!) === isNaNPattern(bits))).toBe(true);
  });

  it('rounds to the nearest, ties to even', () => {
    // Positive ones rise with their bits; infinity stands for the next power of two here.
    const rising = [...values.subarray(0, infinity), 2 * 2 ** Math.floor(Math.log2(values[infinity - 1]!))];
    const random = new Random(3);
    const bits = Uint32Array.from({ length: 20_000 }, () => random.uniform(0, 0x7f80_0000));
    const cases = [...new Float32Array(bits.buffer)];
    for (let i = 1; i < 2000; i++) {
      const at = Math.floor(random.uniform(0, infinity));
      const middle = Math.fround((rising[at]! + rising[at + 1]!) / 2);
      cases.push(middle, new Float32Array(Uint32Array.of(bitsOf(middle) + 1).buffer)[0]!, rising[at]!);
    }
    const largest = rising.at(-1)!;
    const wrong = cases.filter((value) => {
      const expected = value >= largest ? infinity : nearest(value, rising);
      const [plus, minus] = fromFloat32(dtype, Float32Array.of(value, -value));
      return plus !== expected || minus !== (expected | 0x8000);
    });
    expect(wrong).toEqual([]);
  });
});

it('converts from any type to any other through float32', () => {
  const dtypes: WeightDType[] = ['float32', 'float16', 'bfloat16'];
  const numbers = Float32Array.of(0, -0, 1, -1.5, 2 ** -20, 3 * 2 ** 10);
  for (const from of dtypes)
    for (const to of dtypes) {
      const given = fromFloat32(from, numbers);
      expect([...toFloat32(to, convertFloats(from, to, given))]).toEqual([...numbers]);
    }
});
