import { describe, expect, it } from 'vitest';

import { centerCrop, crop, fromTensor, onBackground, padToSquare, picture, toTensor } from '../../../src/data/image.ts';
import { resize, resizeShorter } from '../../../src/data/resize.ts';

/** Pixel (x, y) is [x, y, 9]. */
const grid = (width: number, height: number) =>
  picture(
    width,
    height,
    3,
    Uint8Array.from(
      { length: width * height * 3 },
      (_, i) => [Math.floor(i / 3) % width, Math.floor(i / 3 / width), 9][i % 3]!,
    ),
  );

describe('pictures', () => {
  it('checks its size', () => {
    expect(() => picture(2, 2, 3, new Uint8Array(11))).toThrow('needs 12 bytes');
  });

  it('lays alpha on a background', () => {
    const source = picture(2, 1, 4, Uint8Array.of(10, 20, 30, 255, 100, 100, 100, 51));
    expect([...onBackground(source, [0, 50, 255]).data]).toEqual([10, 20, 30, 20, 60, 224]);
  });

  it('crops, pads and centres', () => {
    expect([...crop(grid(4, 4), 1, 2, 2, 1).data]).toEqual([1, 2, 9, 2, 2, 9]);
    expect([...crop(grid(2, 1), -1, 0, 2, 1, [7, 7, 7]).data]).toEqual([7, 7, 7, 0, 0, 9]);
    expect([...crop(grid(2, 1), -1, 0, 4, 2, 'border').data]).toEqual(
      [0, 0, 1, 1, 0, 0, 1, 1].flatMap((x) => [x, 0, 9]),
    );
    expect([...centerCrop(grid(5, 3), 1, 1).data]).toEqual([2, 1, 9]);
    expect([...padToSquare(grid(1, 3), [7, 7, 7]).data.subarray(0, 9)]).toEqual([7, 7, 7, 0, 0, 9, 7, 7, 7]);
    expect([...crop(grid(2, 2), 5, 5, 1, 1).data]).toEqual([255, 255, 255]);
    expect(() => crop(grid(2, 2), 0, 0, 0, 1)).toThrow('impossible');
  });

  it('makes normalised planes and takes them back', () => {
    const source = grid(4, 3);
    const tensor = toTensor([source, source], { mean: [0, 0.5, 0.25], deviation: [1, 0.5, 0.25] });
    expect(tensor.shape).toEqual([2, 3, 3, 4]);
    expect(tensor.data[1]).toBeCloseTo(1 / 255, 6);
    expect(tensor.data[12 + 4]).toBeCloseTo((1 / 255 - 0.5) / 0.5, 6);
    expect(fromTensor(tensor, 1, { mean: [0, 0.5, 0.25], deviation: [1, 0.5, 0.25] })).toEqual(source);
    expect(() => toTensor([source, grid(3, 3)])).toThrow('picture 1 is 3 × 3');
    expect(() => toTensor([])).toThrow('no picture');
    expect(() => fromTensor(tensor, 2)).toThrow('no picture 2');
  });
});

describe('resize', () => {
  it('leaves the source alone and keeps proportions', () => {
    const source = grid(6, 4);
    expect(resize(source, 6, 4)).toEqual(source);
    expect(resize(source, 6, 4).data).not.toBe(source.data);
    expect(resizeShorter(source, 2)).toMatchObject({ width: 3, height: 2 });
    expect(resizeShorter(grid(3, 7), 2)).toMatchObject({ width: 2, height: 4 });
  });

  it('refuses impossible sizes and alpha', () => {
    expect(() => resize(grid(2, 2), 0, 2)).toThrow('cannot be resized');
    expect(() => resize(picture(1, 1, 4), 2, 2)).toThrow('alpha');
  });
});
