import { describe, expect, it } from 'vitest';
import { GraphError, Random } from '../../../src/core/index.ts';
import {
  addDims,
  broadcastShapes,
  countElements,
  type Dim,
  dimTerms,
  divideDims,
  expand,
  input,
  multiplyDims,
  normalizeAxis,
  scalar,
  staticShape,
  subtractDims,
} from '../../../src/graph/index.ts';

/** The value of an expression where names have sizes. */
function valueOf(dim: Dim, sizes: Readonly<Record<string, number>>): number {
  return dimTerms(dim).reduce((sum, [c, names]) => sum + names.reduce((product, name) => product * sizes[name]!, c), 0);
}

describe('symbolic sizes', () => {
  it('have one spelling', () => {
    expect(multiplyDims('B', 'T')).toBe(multiplyDims('T', 'B'));
    expect(addDims(addDims('T', 1), 'B')).toBe(addDims('B', addDims(1, 'T')));
    expect(addDims('T', 'T')).toBe('2*T');
    expect(subtractDims(addDims('T', 5), 'T')).toBe(5);
    expect(subtractDims('T', 'T')).toBe(0);
    expect(multiplyDims('T', 0)).toBe(0);
    expect(subtractDims(subtractDims('T', 1), -1)).toBe('T');
  });

  it('get that spelling where they come in', () => {
    const x = input('x', 'float32', ['T*B', 4]);
    expect(x.shape).toEqual(['B*T', 4]);
    expect(expand(scalar(1), [multiplyDims('B', 'T'), 4]).shape).toEqual(x.shape);
  });

  it('divide where nothing is left over', () => {
    expect(divideDims(multiplyDims('B', 'T'), 'T')).toBe('B');
    expect(divideDims(multiplyDims(multiplyDims('B', 'T'), 6), multiplyDims('T', 2))).toBe('3*B');
    expect(divideDims(addDims(multiplyDims('T', 4), 8), 4)).toBe('T+2');
    expect(divideDims('T', 2)).toBeUndefined();
    expect(divideDims(addDims('T', 1), 'T')).toBeUndefined();
    expect(divideDims('T', 'B')).toBeUndefined();
    expect(divideDims(6, 4)).toBeUndefined();
    expect(divideDims(6, 0)).toBeUndefined();
    expect(divideDims(12, 4)).toBe(3);
  });

  it('calculate as numbers do, for random expressions', () => {
    const random = new Random(1);
    const sizes = { B: 3, T: 7, H: 5 };
    const atoms: Dim[] = ['B', 'T', 'H', 0, 1, 2, 5];
    for (let round = 0; round < 300; round++) {
      let dim: Dim = random.pick(atoms);
      let number = valueOf(dim, sizes);
      for (let i = 0; i < 5; i++) {
        const other = random.pick(atoms);
        const value = valueOf(other, sizes);
        const kind = random.integer(3);
        dim = kind === 0 ? addDims(dim, other) : kind === 1 ? subtractDims(dim, other) : multiplyDims(dim, other);
        number = kind === 0 ? number + value : kind === 1 ? number - value : number * value;
        expect(valueOf(dim, sizes)).toBe(number + 0);
      }
      const divisor = random.pick(['B', 'T', 2, 5] as Dim[]);
      const product = multiplyDims(dim, divisor);
      if (dim !== 0) expect(divideDims(product, divisor), `${product} ÷ ${divisor}`).toBe(dim);
    }
  });

  it('are counted and asked for as numbers', () => {
    expect(countElements([])).toBe(1);
    expect(countElements([2, 'T', 3])).toBe('6*T');
    expect(() => staticShape([2, 'T'], 'this')).toThrow(/this needs sizes that are known.*\[2, T\]/);
  });
});

describe('broadcasting', () => {
  it.each<[Dim[], Dim[], Dim[] | undefined]>([
    [[3, 4], [4], [3, 4]],
    [
      [3, 1],
      [1, 4],
      [3, 4],
    ],
    [[], [2], [2]],
    [
      ['B', 1, 4],
      ['T', 1],
      ['B', 'T', 4],
    ],
    [['T'], ['T'], ['T']],
    [[1], [0], [0]],
    [[2], [3], undefined],
    [['T'], ['S'], undefined],
    [['T'], [2], undefined],
  ])('%j and %j give %j', (a, b, expected) => {
    expect(broadcastShapes(a, b)).toEqual(expected);
    expect(broadcastShapes(b, a)).toEqual(expected);
  });

  it('axes count from both ends and are checked', () => {
    expect(normalizeAxis(-1, 3)).toBe(2);
    expect(normalizeAxis(0, 3)).toBe(0);
    for (const axis of [3, -4, 0.5]) expect(() => normalizeAxis(axis, 3)).toThrow(GraphError);
  });
});
