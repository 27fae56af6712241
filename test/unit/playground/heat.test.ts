import { expect, it } from 'vitest';
import { heatPixels, HEAT_STOPS, heaviestRegion } from '../../../playground/src/picture/heat.ts';
import { HEAT_COLOURS } from '../../../src/explain/index.ts';

it('has the colours of the pictures that `sensorium explain` writes', () => {
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (HEAT_STOPS.length - 1);
    const stop = Math.min(HEAT_STOPS.length - 2, Math.floor(place));
    for (let channel = 0; channel < 3; channel++) {
      const [from, to] = [HEAT_STOPS[stop]![channel]!, HEAT_STOPS[stop + 1]![channel]!];
      const between = from + (to - from) * (place - stop);
      // Straight lines between every 8th colour stray from the ramp by at most a twentieth of a channel.
      expect(Math.abs(between - HEAT_COLOURS[i * 3 + channel]!)).toBeLessThan(255 / 20);
    }
  }
});

it('colours the heaviest square last and most opaquely', () => {
  const pixels = heatPixels([0.1, 0.1, 0.1, 0.7], { rows: 2, cols: 2 });
  const side = Math.sqrt(pixels.length / 4);
  const at = (x: number, y: number): number[] =>
    Array.from(pixels.subarray((y * side + x) * 4, (y * side + x) * 4 + 4));
  expect(at(side - 1, side - 1)).toEqual([...HEAT_STOPS.at(-1)!, 191]);
  expect(at(0, 0)).toEqual([...HEAT_STOPS[0]!, 86]);
  // A map that is the same everywhere has the coldest colour everywhere.
  const even = heatPixels([0.25, 0.25, 0.25, 0.25], { rows: 2, cols: 2 });
  expect(Array.from(even.subarray(0, 3))).toEqual(HEAT_STOPS[0]);
});

it('says where most of a map is', () => {
  const map = Array.from({ length: 36 }, (_, i) => (i === 5 ? 0.65 : 0.01));
  expect(heaviestRegion(map, { rows: 6, cols: 6 })).toEqual({ region: 'top-right', share: expect.closeTo(0.68, 5) });
  expect(heaviestRegion([0, 0, 0, 0], { rows: 2, cols: 2 }).share).toBe(0);
});
