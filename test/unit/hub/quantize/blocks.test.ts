import { describe, expect, it } from 'vitest';
import { Random } from '../../../../src/core/index.ts';
import { type BlockFormat, dequantizeRows, quantizeRows } from '../../../../src/hub/index.ts';

const random = new Random(11);
const normals = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());

const formats = ([4, 8] as const).flatMap((bits) =>
  ([16, 32, 128] as const).flatMap((block) =>
    [true, false].map((symmetric): BlockFormat => ({ bits, block, symmetric })),
  ),
);

describe.each(formats)('$bits bits, blocks of $block, symmetric $symmetric', (format) => {
  const { bits, block, symmetric } = format;

  it.each([block, 3 * block, 3 * block + 5, 7])('is nearest to what was given, rows of %i', (inputs) => {
    const rows = 6;
    const values = normals(rows * inputs);
    // Blocks that are all zero, all positive and constant.
    values.fill(0, 0, Math.min(block, inputs));
    for (let i = inputs; i < inputs + Math.min(block, inputs); i++) values[i] = 3 + Math.abs(values[i]!);
    values.fill(-0.7, 2 * inputs, 2 * inputs + Math.min(block, inputs));
    const quantized = quantizeRows(values, inputs, format);
    const blocks = Math.ceil(inputs / block);
    expect(quantized.packed).toHaveLength((rows * blocks * block * bits) / 8);
    expect(quantized.scales).toHaveLength(rows * blocks);
    expect(quantized.zeroPoints?.length).toBe(symmetric ? undefined : rows * Math.ceil((blocks * bits) / 8));
    const back = dequantizeRows(quantized, inputs, format);
    expect(back).toHaveLength(values.length);
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < inputs; i++) {
        const scale = Math.abs(quantized.scales[row * blocks + Math.floor(i / block)]!);
        const error = Math.abs(back[row * inputs + i]! - values[row * inputs + i]!);
        // Half a step; a whole one at the end of the range that a symmetric or shifted range does not reach.
        expect(error).toBeLessThanOrEqual(scale * (symmetric && bits === 8 ? 0.501 : 1.001));
      }
  });

  it('gives numbers that it can hold exactly back, and packs them the same again', () => {
    const inputs = 2 * block;
    const values = normals(4 * inputs);
    const once = quantizeRows(values, inputs, format);
    const back = dequantizeRows(once, inputs, format);
    const again = dequantizeRows(quantizeRows(back, inputs, format), inputs, format);
    const far = back.filter((value, i) => Math.abs(value - again[i]!) > 1e-5 * Math.abs(value) + 1e-12);
    expect([...far]).toEqual([]);
  });

  it.each([NaN, Infinity, -Infinity])('refuses %d and says where it is', (bad) => {
    const values = normals(3 * 40);
    values[40 + 7] = bad;
    expect(() => quantizeRows(values, 40, format)).toThrow(/row 1, column 7 holds (NaN|-?Infinity)/);
  });
});

it('halves the error with each bit, and the range of 4 bits is used to its end', () => {
  const values = normals(64 * 1024);
  const error = (format: BlockFormat): number => {
    const back = dequantizeRows(quantizeRows(values, 1024, format), 1024, format);
    const squares = (numbers: Float32Array): number => numbers.reduce((sum, x) => sum + x * x, 0);
    return Math.sqrt(squares(values.map((x, i) => x - back[i]!)) / squares(values));
  };
  // Rounding by steps of 2 max / 15 with max about 2.1 deviations in a block of 32: step / √12 ≈ 0.08.
  const four = error({ bits: 4, block: 32, symmetric: true });
  expect(four).toBeGreaterThan(0.06);
  expect(four).toBeLessThan(0.09);
  const eight = error({ bits: 8, block: 32, symmetric: true });
  expect(four / eight).toBeGreaterThan(12);
  expect(error({ bits: 4, block: 128, symmetric: true })).toBeGreaterThan(four);
  expect(error({ bits: 4, block: 32, symmetric: false })).toBeLessThan(four);
  const { packed } = quantizeRows(values, 1024, { bits: 4, block: 32, symmetric: true });
  expect(packed.some((byte) => (byte & 15) === 0)).toBe(true);
});
