import { expect, it } from 'vitest';
import { hostTensor } from '../../../src/core/index.ts';
import { identities, piecesOf, type Prompt } from '../../../src/generate/index.ts';

const IMAGE = 9;
const features = (rows: number, from: number) =>
  hostTensor(
    'float32',
    [rows, 2],
    Float32Array.from({ length: rows * 2 }, (_, i) => from + i),
  );
const prompt: Prompt = {
  tokens: [1, IMAGE, IMAGE, 2, 3, IMAGE, 4],
  pictures: [
    { key: 'a', features: features(2, 0) },
    { key: 'b', features: features(1, 10) },
  ],
  positions: hostTensor(
    'int64',
    [2, 7],
    BigInt64Array.from({ length: 14 }, (_, i) => BigInt(i)),
  ),
  nextPosition: 40,
};

it('is read in pieces that carry their own features and positions', () => {
  const pieces = piecesOf(prompt, 0, IMAGE, 2);
  expect(pieces.map(({ tokens }) => tokens)).toEqual([[1, IMAGE], [IMAGE, 2], [3, IMAGE], [4]]);
  expect(pieces.map((piece) => [...piece.features!.data])).toEqual([[0, 1], [2, 3], [10, 11], []]);
  expect(pieces.map((piece) => [...piece.positions!.data].map(Number))).toEqual([
    [0, 1, 7, 8],
    [2, 3, 9, 10],
    [4, 5, 11, 12],
    [6, 13],
  ]);
  expect(pieces.map(({ nextPosition }) => nextPosition)).toEqual([undefined, undefined, undefined, 40]);
});

it('goes on from what is known', () => {
  const [piece, ...others] = piecesOf(prompt, 2, IMAGE);
  expect(others).toEqual([]);
  expect(piece!.tokens).toEqual(prompt.tokens.slice(2));
  expect([...piece!.features!.data]).toEqual([2, 3, 10, 11]);
});

it('tells pictures apart, and counts them', () => {
  expect(identities(prompt, IMAGE)).toEqual([1, 'a:0', 'a:1', 2, 3, 'b:0', 4]);
  expect(() => identities({ ...prompt, pictures: [prompt.pictures![0]!] }, IMAGE)).toThrow(
    /3 image tokens .* 2 rows of features/,
  );
});
