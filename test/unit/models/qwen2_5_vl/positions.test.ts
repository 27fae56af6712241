import { describe, expect, it } from 'vitest';
import { multimodalPositions, type PositionedPrompt } from '../../../../src/models/index.ts';

const IMAGE = 9;

function positionsOf(prompt: Omit<PositionedPrompt, 'imageToken'>): { axes: number[][]; next: number } {
  const { positions, nextPosition } = multimodalPositions({ ...prompt, imageToken: IMAGE });
  const length = prompt.tokens.length;
  const all = Array.from(positions.data, Number);
  return { axes: [0, 1, 2].map((axis) => all.slice(axis * length, (axis + 1) * length)), next: nextPosition };
}

describe('multimodalPositions', () => {
  it('counts text on all axes alike', () => {
    expect(positionsOf({ tokens: [1, 2, 3], pictures: [] })).toEqual({
      axes: [
        [0, 1, 2],
        [0, 1, 2],
        [0, 1, 2],
      ],
      next: 3,
    });
  });

  it('counts rows and columns within a picture, and goes on after its longer side', () => {
    expect(positionsOf({ tokens: [1, ...Array.from({ length: 6 }, () => IMAGE), 2], pictures: [[2, 3]] })).toEqual({
      axes: [
        [0, 1, 1, 1, 1, 1, 1, 4],
        [0, 1, 1, 1, 2, 2, 2, 4],
        [0, 1, 2, 3, 1, 2, 3, 4],
      ],
      next: 5,
    });
  });

  it('tells pictures apart that stand side by side', () => {
    const tokens = [IMAGE, IMAGE, IMAGE];
    expect(
      positionsOf({
        tokens,
        pictures: [
          [2, 1],
          [1, 1],
        ],
      }),
    ).toEqual({
      axes: [
        [0, 0, 2],
        [0, 1, 2],
        [0, 0, 2],
      ],
      next: 3,
    });
  });

  it('refuses image tokens that do not match the features, with both counts', () => {
    expect(() => positionsOf({ tokens: [IMAGE, IMAGE], pictures: [[1, 3]] })).toThrow(
      'the prompt has 2 image tokens, its 1 pictures have 3 features',
    );
    expect(() => positionsOf({ tokens: [IMAGE, 1, IMAGE], pictures: [[1, 2]] })).toThrow('only 1 image tokens');
  });
});
