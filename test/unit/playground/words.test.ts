import { describe, expect, it } from 'vitest';
import { boxOfLocations, jsonBoxes } from '../../../playground/src/answer/boxes.ts';
import { boxesOf, wordsOf } from '../../../playground/src/answer/words.ts';

const SQUARE = { width: 100, height: 100 };

describe('words of an answer', () => {
  it('joins tokens to words, each with the mean of their maps', () => {
    const pieces = [
      { text: 'A', map: [1, 0] },
      { text: ' ca', map: [0, 1] },
      { text: 't', map: [1, 0] },
      { text: '.', map: [0, 1] },
    ];
    const words = wordsOf(pieces, SQUARE).filter(({ gap }) => !gap);
    expect(words.map(({ text }) => text)).toEqual(['A', 'cat.']);
    expect(words.map(({ map }) => map)).toEqual([
      [1, 0],
      [1 / 3, 2 / 3],
    ]);
  });

  it('takes Chinese word by word, and adds a token without text to the next', () => {
    const words = wordsOf(
      [{ text: '红' }, { text: '', map: [1, 0] }, { text: '苹', map: [0, 1] }, { text: '果。' }],
      SQUARE,
    );
    expect(words.map(({ text, gap }) => [text, gap])).toEqual([
      ['红', false],
      ['苹果', false],
      ['。', true],
    ]);
    expect(words[1]!.map).toEqual([0.5, 0.5]);
  });

  it('keeps every character', () => {
    const text = ' Two cats,  one 狗狗!\n“quoted” <loc01> and <loc00><loc00><loc63><loc63>.';
    expect(
      wordsOf([{ text }], SQUARE)
        .map((word) => word.text)
        .join(''),
    ).toBe(text);
  });

  it('finds boxes among the words, in parts of a picture that was padded to a square', () => {
    const wide = { width: 126, height: 63 };
    const pieces = [{ text: 'the dog <loc00><loc16>' }, { text: '<loc63><loc47>' }];
    const words = wordsOf(pieces, wide);
    const [left, top, right, bottom] = boxesOf(pieces, words, wide)[0]!;
    expect([left, right]).toEqual([0, 1]);
    // The padding above is rounded down to 31 pixels, so the 16th step of 63 lies one pixel below the upper edge.
    expect(top).toBeCloseTo(1 / 63, 10);
    expect(bottom).toBeCloseTo(1, 10);
    expect(boxOfLocations('<loc10><loc10><loc10>', SQUARE)).toBeUndefined();
    expect(boxOfLocations('<loc10><loc10><loc10><loc20>', SQUARE)).toBeUndefined();
  });

  it('finds boxes in JSON, and refuses what is none', () => {
    const text = '[{"bbox_2d": [10, 20, 50, 90], "label": "cup"}, {"bbox_2d": [1, 2, 3]}, {"bbox_2d": [9, 9, 1, 1]}]';
    expect(jsonBoxes(text, SQUARE)).toEqual([[0.1, 0.2, 0.5, 0.9]]);
  });
});
