import { describe, expect, it } from 'vitest';
import {
  captionScore,
  firstRanks,
  intersectionOverUnion,
  isRight,
  Lexicon,
  looseAnswer,
  macroFigure,
  meanFigure,
  plainAnswer,
  softAccuracy,
  wilsonInterval,
} from '../../../../src/eval/index.ts';

describe('answers', () => {
  it('are compared without case, outer quotes and full stops, and with articles', () => {
    expect(plainAnswer('  “Red  Apple.” ')).toBe('red apple');
    expect(plainAnswer('红苹果。')).toBe('红苹果');
    expect(plainAnswer('ＯＫ')).toBe('ok');
    expect(isRight('Yes.', ['yes'])).toBe(true);
    expect(isRight('a cat', ['cat'])).toBe(false);
    expect(isRight('cat and dog', ['cat'])).toBe(false);
  });

  it('of people are compared more loosely', () => {
    expect(looseAnswer('The two, big dogs!')).toBe('2 big dogs');
    expect(looseAnswer('1,000.5')).toBe('1000.5');
  });

  it('agree with people as the VQA evaluation averages it', () => {
    const people = ['red', 'red', 'Red.', 'blue', 'blue', 'green', 'green', 'green', 'green', 'green'];
    // Three of ten: leaving out one of the three leaves 2/3, leaving out another one 1.
    expect(softAccuracy('red', people)).toBeCloseTo((3 * (2 / 3) + 7) / 10, 12);
    expect(softAccuracy('blue', people)).toBeCloseTo((2 * (1 / 3) + 8 * (2 / 3)) / 10, 12);
    expect(softAccuracy('green', people)).toBe(1);
    expect(softAccuracy('black', people)).toBe(0);
    expect(softAccuracy('red', ['red'])).toBe(1);
  });
});

describe('boxes', () => {
  it('overlap by their share of the union', () => {
    expect(intersectionOverUnion([0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5])).toBe(1);
    expect(intersectionOverUnion([0, 0, 0.5, 1], [0.25, 0, 0.75, 1])).toBeCloseTo(1 / 3, 12);
    expect(intersectionOverUnion([0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1])).toBe(0);
    expect(intersectionOverUnion([0.2, 0.2, 0.2, 0.2], [0, 0, 1, 1])).toBe(0);
    // Corners in the wrong order are no box.
    expect(intersectionOverUnion([0.5, 0.5, 0, 0], [0, 0, 1, 1])).toBe(0);
  });
});

describe('retrieval', () => {
  const axis = (at: number): Float32Array => Float32Array.from({ length: 3 }, (_, i) => Number(i === at));

  it('counts who comes first, in both directions', () => {
    const pictures = [axis(0), axis(1), axis(2)];
    expect(firstRanks(pictures, pictures)).toEqual({ imageToText: [1, 1, 1], textToImage: [1, 1, 1] });
    const swapped = firstRanks(pictures, [axis(1), axis(0), axis(2)]);
    expect(swapped).toEqual({ imageToText: [0, 0, 1], textToImage: [0, 0, 1] });
  });

  it('gives vectors that are all the same what chance gives', () => {
    const same = [axis(0), axis(0), axis(0)];
    expect(firstRanks(same, same).imageToText).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });

  it('refuses what cannot be compared', () => {
    expect(() => firstRanks([axis(0)], [])).toThrow(/1 pictures cannot be paired with 0 texts/);
    expect(() => firstRanks([Float32Array.of(NaN)], [Float32Array.of(1)])).toThrow(/not finite/);
  });
});

describe('names in texts', () => {
  const english = new Lexicon('en', [
    { key: 'dog', names: ['dog'] },
    { key: 'hot dog', names: ['hot dog'] },
    { key: 'cherries', names: ['cherries'] },
    { key: 'leaf', names: ['leaf'] },
    { key: 'glasses', names: ['glasses'] },
    { key: 'box', names: ['box'] },
  ]);
  const chinese = new Lexicon('zh', [
    { key: 'dog', names: ['狗'] },
    { key: 'hot dog', names: ['热狗'] },
    { key: 'red heart', names: ['红色：心'] },
  ]);

  it('are found as whole words, the longest first, in the plural too', () => {
    expect(english.find('Two hot dogs, a dog and some cherries.')).toEqual(['hot dog', 'dog', 'cherries']);
    expect(english.find('leaves, glasses, boxes; dogma')).toEqual(['leaf', 'glasses', 'box']);
    expect(english.find('A hot day.')).toEqual([]);
  });

  it('are found in Chinese without spaces', () => {
    expect(chinese.find('一只狗和两个热狗。')).toEqual(['dog', 'hot dog']);
    expect(chinese.find('红色： 心')).toEqual(['red heart']);
  });

  it('make the F1 of a caption, and what it invents', () => {
    expect(captionScore(['dog', 'dog', 'leaf'], ['dog', 'box'])).toEqual({ f1: 0.5, absent: 1, named: 3 });
    expect(captionScore([], ['dog'])).toEqual({ f1: 0, absent: 0, named: 0 });
    expect(captionScore([], []).f1).toBe(1);
  });
});

describe('figures', () => {
  const items = (right: number, count: number, per: number) =>
    Array.from({ length: count }, (_, i) => ({ group: String(Math.floor(i / per)), score: Number(i < right) }));

  it('count every class the same', () => {
    const figure = macroFigure(
      new Map([
        ['often', items(90, 90, 1)],
        ['seldom', items(0, 10, 1)],
      ]),
    );
    expect([figure.value, figure.count]).toEqual([0.5, 100]);
  });

  it('are never narrower than Wilson says', () => {
    const wilson = wilsonInterval(50, 50);
    expect(meanFigure(items(50, 50, 1))).toMatchObject({ value: 1, low: wilson.low, high: 1 });
  });

  it('are wider where items of a group stand and fall together', () => {
    const alone = meanFigure(items(100, 200, 1));
    const together = meanFigure(items(100, 200, 20));
    expect(alone.high - alone.low).toBeLessThan(0.16);
    expect(together.high - together.low).toBeGreaterThan(0.4);
    expect(together).toEqual(meanFigure(items(100, 200, 20)));
  });

  it('need something to count', () => {
    expect(() => meanFigure([])).toThrow(/nothing to make a figure of/);
  });
});
