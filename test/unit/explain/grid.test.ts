import { describe, expect, it } from 'vitest';
import { Cover } from '../../../src/explain/covering.ts';
import { gridOf, normalized, onGrid, peakBox, sumOf } from '../../../src/explain/grid.ts';
import { picture } from '../../../src/data/index.ts';
import { cellsOf, squareAround } from '../../../src/models/index.ts';

describe('maps on the cells of a picture', () => {
  it('are as fine as the features where these fill the picture', () => {
    const map = onGrid(cellsOf(2, 3), [1, 2, 3, 4, 5, 6]);
    expect(map).toMatchObject({ rows: 2, cols: 3 });
    expect([...map.values]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('leave out what lies beside a picture that was padded', () => {
    // Twice as wide as high, in the middle of a square of 4 × 4 features: two rows of them are the picture.
    const regions = cellsOf(4, 4, squareAround({ width: 20, height: 10 }));
    expect(gridOf(regions)).toEqual({ rows: 2, cols: 4 });
    const map = onGrid(regions, [9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9]);
    expect(Array.from(map.values, (value) => Math.round(value * 1e6) / 1e6)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('spread a large region over small cells, and leave out regions without a place', () => {
    const map = onGrid([...cellsOf(2, 2), [0, 0, 1, 1], undefined], [0, 0, 0, 1, 4, 100]);
    expect([...map.values]).toEqual([1, 1, 1, 2]);
  });

  it('take parts of regions', () => {
    const map = onGrid(cellsOf(1, 2), [1, 2, 3, 4, 5, 6, 7, 8], 2);
    expect(map).toMatchObject({ rows: 2, cols: 4 });
    expect([...map.values]).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
  });

  it('add up, and come to one', () => {
    const map = { rows: 1, cols: 2, values: Float64Array.of(1, 2) };
    expect([...normalized(sumOf([map, map])).values]).toEqual([1 / 3, 2 / 3]);
    const none = { rows: 1, cols: 2, values: new Float64Array(2) };
    expect(normalized(none).values).toEqual(none.values);
  });

  it('have a box around what is looked at most, of cells that touch', () => {
    const values = Float64Array.of(0, 6, 10, 0, 0, 5, 0, 0, 9, 0, 0, 4);
    expect(peakBox({ rows: 3, cols: 4, values })).toEqual([0.25, 0, 0.75, 2 / 3]);
    expect(peakBox({ rows: 1, cols: 1, values: new Float64Array(1) })).toBeUndefined();
  });
});

describe('covering', () => {
  it('paints cells in the colour that is in the middle', () => {
    const data = Uint8Array.from([9, 9, 9, 9, 9, 9, 9, 9, 9, 200, 100, 0]);
    const cover = new Cover(picture(2, 2, 3, data), { rows: 2, cols: 2 });
    expect([...cover.over((cell) => cell === 3).data]).toEqual(Array.from({ length: 12 }, () => 9));
    expect([...cover.over(() => false).data]).toEqual([...data]);
  });
});
