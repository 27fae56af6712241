import { describe, expect, it } from 'vitest';

import { fillInside, inColour } from '../../../../src/data/emoji/ink.ts';

const SIDE = 7;
/** A layer of black lines where the drawing has a sign, half of a pixel's ink at `o`. */
function lines(...rows: string[]): Float32Array {
  const layer = new Float32Array(SIDE * SIDE * 4);
  for (const [y, row] of rows.entries())
    for (const [x, sign] of [...row].entries())
      layer[(y * SIDE + x) * 4 + 3] = sign === '#' ? 255 : sign === 'o' ? 127.5 : 0;
  return layer;
}
const pixel = (layer: Float32Array, x: number, y: number): number[] => [
  ...layer.subarray((y * SIDE + x) * 4, (y * SIDE + x) * 4 + 4),
];

describe('fillInside', () => {
  it('lays a colour behind what lines enclose, and none outside', () => {
    const layer = lines('.......', '.####..', '.#..#..', '.#..#..', '.####..', '.......', '.......');
    fillInside(layer, SIDE, [200, 100, 50]);
    expect(pixel(layer, 2, 2)).toEqual([200, 100, 50, 255]);
    expect(pixel(layer, 1, 1)).toEqual([0, 0, 0, 255]);
    expect(pixel(layer, 0, 0)).toEqual([0, 0, 0, 0]);
    expect(pixel(layer, 5, 2)).toEqual([0, 0, 0, 0]);
  });

  it('lets nothing in through a line at half its ink, which takes the colour by half', () => {
    const layer = lines('.......', '.####..', '.o..#..', '.#..#..', '.####..', '.......', '.......');
    fillInside(layer, SIDE, [200, 100, 50]);
    expect(pixel(layer, 2, 2)).toEqual([200, 100, 50, 255]);
    expect(pixel(layer, 1, 2)).toEqual([100, 50, 25, 255]);
  });

  it('fills nothing where a line is open', () => {
    const layer = lines('.......', '.####..', '....#..', '.#..#..', '.####..', '.......', '.......');
    const before = layer.slice();
    fillInside(layer, SIDE, [200, 100, 50]);
    expect(layer).toEqual(before);
  });
});

describe('inColour', () => {
  it('keeps how much of a pixel is drawn', () => {
    const layer = lines('#o.....');
    inColour(layer, SIDE, [200, 100, 50]);
    expect([pixel(layer, 0, 0), pixel(layer, 1, 0), pixel(layer, 2, 0)]).toEqual([
      [200, 100, 50, 255],
      [100, 50, 25, 127.5],
      [0, 0, 0, 0],
    ]);
  });
});
