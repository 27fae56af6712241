import { describe, expect, it } from 'vitest';
import { type PatchGrid, patchRotary, windowLayout, type WindowLayout } from '../../../../src/models/index.ts';

const shape = { merge: 2, side: 4 };

function numbers({ data }: { readonly data: ArrayLike<number | bigint> }): number[] {
  return Array.from(data, Number);
}

/** The patches of each window, as they were given. */
function windowsOf({ order, windows, mask }: WindowLayout): number[][] {
  const [count, longest] = windows.shape as readonly [number, number];
  return Array.from({ length: count }, (_, window) =>
    numbers(windows)
      .slice(window * longest, (window + 1) * longest)
      .filter((_patch, i) => mask.data[window * longest + i] === 1)
      .map((patch) => 4 * Number(order.data[Math.floor(patch / 4)]!) + (patch % 4)),
  );
}

describe('windowLayout', () => {
  it.each<[PatchGrid, number]>([
    [{ height: 10, width: 14 }, 4],
    [{ height: 8, width: 8 }, 1],
    [{ height: 16, width: 24 }, 6],
    [{ height: 2, width: 20 }, 3],
    [{ height: 2, width: 2 }, 1],
    [{ height: 18, width: 6 }, 3],
  ])('puts every patch of $height × $width into one window, with its neighbours', (grid, count) => {
    const layout = windowLayout(grid, shape);
    const columns = grid.width / 2;
    const windows = windowsOf(layout);
    expect(windows).toHaveLength(count);
    const placeOf = (patch: number): string => {
      const feature = Math.floor(patch / 4);
      return `${Math.floor(feature / columns / 4)},${Math.floor((feature % columns) / 4)}`;
    };
    for (const window of windows) expect(new Set(window.map(placeOf)).size).toBe(1);
    expect(windows.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: grid.height * grid.width }, (_, i) => i));
  });

  it('undoes its order, and finds each patch again', () => {
    const { order, inverse, windows, places } = windowLayout({ height: 10, width: 14 }, shape);
    expect(numbers(inverse).map((place) => Number(order.data[place]!))).toEqual(
      Array.from({ length: 35 }, (_, i) => i),
    );
    expect(numbers(places).map((place) => Number(windows.data[place]!))).toEqual(
      Array.from({ length: 140 }, (_, i) => i),
    );
  });

  it('is no longer than its largest window', () => {
    expect(windowLayout({ height: 2, width: 20 }, shape).windows.shape).toEqual([3, 16]);
    expect(windowLayout({ height: 64, width: 64 }, shape).windows.shape).toEqual([64, 64]);
  });

  it.each([
    [3, 4],
    [4, 0],
    [-2, -2],
    [Number.NaN, 4],
  ])('refuses %d × %d patches', (height, width) => {
    expect(() => windowLayout({ height, width }, shape)).toThrow('multiples of 2 patches');
  });
});

describe('patchRotary', () => {
  it('turns by row and column of a patch', () => {
    const grid = { height: 4, width: 4 };
    const { order } = windowLayout(grid, shape);
    const { cosines, sines } = patchRotary(grid, shape, order, Float64Array.of(1, 0.5));
    expect(cosines.shape).toEqual([16, 8]);
    // The third feature is the first one of the second row; its second patch is one to the right.
    const patch = 2 * 4 + 1;
    const angles = [2, 1, 1, 0.5, 2, 1, 1, 0.5];
    angles.forEach((angle, i) => {
      expect(cosines.data[patch * 8 + i]).toBeCloseTo(Math.cos(angle), 6);
      expect(sines.data[patch * 8 + i]).toBeCloseTo(Math.sin(angle), 6);
    });
  });
});
