import { expect, it } from 'vitest';
import { picture } from '../../../../src/data/index.ts';
import { drawBoxes } from '../../../../src/tasks/node/index.ts';

const WIDTH = 90;
const grey = picture(WIDTH, 60, 3, new Uint8Array(WIDTH * 60 * 3).fill(128));
const box = { left: 20, top: 15, right: 70, bottom: 50 };

it('draws where the box is and nowhere else, and leaves the picture alone', async () => {
  const drawn = await drawBoxes(grey, [{ ...box, label: '' }]);
  expect([drawn.width, drawn.height, drawn.channels]).toEqual([WIDTH, 60, 3]);
  const at = (x: number, y: number): number[] => [...drawn.data.subarray((y * WIDTH + x) * 3, (y * WIDTH + x) * 3 + 3)];
  // The first colour is a red.
  for (const [x, y] of [
    [20, 30],
    [69, 30],
    [45, 15],
    [45, 49],
  ] as const)
    expect(at(x, y)[0]! - at(x, y)[1]!, `${x}, ${y}`).toBeGreaterThan(60);
  for (const [x, y] of [
    [45, 30],
    [5, 5],
    [80, 55],
  ] as const)
    expect(at(x, y)).toEqual([128, 128, 128]);
  expect(grey.data.every((byte) => byte === 128)).toBe(true);
});

it('takes labels as text, whatever they hold', async () => {
  const label = '</text><script>"&\u0000\u001B[31m' + 'x'.repeat(500);
  const drawn = await drawBoxes(grey, [{ ...box, label }]);
  expect(drawn.data).not.toEqual((await drawBoxes(grey, [{ ...box, label: '' }])).data);
});
