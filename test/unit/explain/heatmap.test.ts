import { describe, expect, it } from 'vitest';
import { DataError } from '../../../src/core/errors.ts';
import { HEAT_COLOURS } from '../../../src/explain/colours.ts';
import { overlayHeatmap, upsampleMap } from '../../../src/explain/heatmap.ts';

describe('upsampleMap', () => {
  it('interpolates between the centres of patches and holds the rim', () => {
    const map = { rows: 1, cols: 2, values: [0, 1] };
    // Centres of the patches are at 1 and 3 of 4 pixels' width; pixel centres at 0.5, 1.5, 2.5, 3.5.
    expect([...upsampleMap(map, 4, 1)]).toEqual([0, 0.25, 0.75, 1]);
  });
  it('is bilinear', () => {
    const map = { rows: 2, cols: 2, values: [0, 1, 2, 3] };
    const out = upsampleMap(map, 4, 4);
    expect(out[0]).toBe(0);
    expect(out[15]).toBe(3);
    expect(out[1 * 4 + 2]).toBeCloseTo(0.75 + 2 * 0.25, 6);
  });
  it('copies a map of the same size and averages smoothly otherwise', () => {
    const values = Float32Array.from([1, 5, 2, 4, 3, 0]);
    expect([...upsampleMap({ rows: 2, cols: 3, values }, 3, 2)]).toEqual([...values]);
  });
  it.each([
    [{ rows: 2, cols: 2, values: [1, 2, 3] }],
    [{ rows: 0, cols: 0, values: [] }],
    [{ rows: 1.5, cols: 2, values: [1, 2, 3] }],
    [{ rows: 1, cols: 2, values: [1, Number.NaN] }],
  ])('refuses %j', (map) => expect(() => upsampleMap(map, 8, 8)).toThrow(DataError));
  it('refuses sizes that are none', () => {
    expect(() => upsampleMap({ rows: 1, cols: 1, values: [1] }, 0, 8)).toThrow(DataError);
  });
});

describe('overlayHeatmap', () => {
  const grey = { width: 4, height: 2, data: new Uint8Array(24).fill(128) };
  it('gives the last colour to the highest weight at full opacity', () => {
    const out = overlayHeatmap(grey, { rows: 1, cols: 2, values: [0, 1] }, { opacity: 1 });
    expect([...out.data.subarray(9, 12)]).toEqual([...HEAT_COLOURS.subarray(765, 768)]);
    expect(out.width * out.height * 3).toBe(out.data.length);
  });
  it('changes nothing at no opacity and never the picture given', () => {
    const out = overlayHeatmap(grey, { rows: 1, cols: 2, values: [0, 1] }, { opacity: 0 });
    expect([...out.data]).toEqual([...grey.data]);
    overlayHeatmap(grey, { rows: 1, cols: 2, values: [0, 1] });
    expect(grey.data.every((value) => value === 128)).toBe(true);
  });
  it('shows a map without differences as cold', () => {
    const out = overlayHeatmap(grey, { rows: 1, cols: 2, values: [0.5, 0.5] });
    expect(out.data[0]).toBeLessThan(128);
    expect(new Set(out.data.filter((_, i) => i % 3 === 0)).size).toBe(1);
  });
  it('compares maps by a common range', () => {
    const low = overlayHeatmap(grey, { rows: 1, cols: 2, values: [0, 0.1] }, { range: [0, 1] });
    const high = overlayHeatmap(grey, { rows: 1, cols: 2, values: [0, 2] }, { range: [0, 1] });
    expect(high.data[9]).toBeGreaterThan(low.data[9] ?? 255);
  });
  it('refuses pictures and opacities that are none', () => {
    const map = { rows: 1, cols: 1, values: [1] };
    expect(() => overlayHeatmap({ width: 4, height: 4, data: new Uint8Array(3) }, map)).toThrow(DataError);
    expect(() => overlayHeatmap(grey, map, { opacity: 2 })).toThrow(DataError);
  });
});

describe('HEAT_COLOURS', () => {
  /** OKLab of an sRGB colour, written again here as the check. */
  function oklab(index: number): [number, number, number] {
    const [r, g, b] = [0, 1, 2].map((channel) => {
      const value = (HEAT_COLOURS[index * 3 + channel] ?? 0) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [
      0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ];
  }
  it('becomes lighter all the way', () => {
    for (let i = 8; i < 256; i += 8) expect(oklab(i)[0]).toBeGreaterThan(oklab(i - 8)[0]);
  });
  it('has steps that look equal', () => {
    const distances: number[] = [];
    for (let i = 16; i < 256; i += 16) {
      const [a, b] = [oklab(i - 16), oklab(i)];
      distances.push(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
    }
    expect(Math.max(...distances) / Math.min(...distances)).toBeLessThan(1.15);
  });
});
