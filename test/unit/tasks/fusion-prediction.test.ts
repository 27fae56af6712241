import { expect, it } from 'vitest';
import { decideClass, probabilitiesOf, wordsOfTokens } from '../../../src/tasks/index.ts';

it('puts tokens together to words, without those that the tokenizer adds', () => {
  expect(
    wordsOfTokens(['[CLS]', 'a', 'gr', '##in', '##ning', 'cat', '.', '一', '只', '，', '猫', '[SEP]', '[PAD]']),
  ).toEqual([
    { word: 'a', positions: [1] },
    { word: 'grinning', positions: [2, 3, 4] },
    { word: 'cat.', positions: [5, 6] },
    { word: '一', positions: [7] },
    { word: '只，', positions: [8, 9] },
    { word: '猫', positions: [10] },
  ]);
});

it('decides by the largest logit, or by the threshold of two classes', () => {
  expect(decideClass([1, 3, 2])).toBe(1);
  expect(decideClass([0, 0.3])).toBe(1);
  expect(decideClass([0, 0.3], 0.5)).toBe(0);
  expect(decideClass([0, 0.5], 0.5)).toBe(1);
  expect(decideClass([0, -0.3], -0.5)).toBe(1);
  // Three classes have no threshold.
  expect(decideClass([0, 0.3, 0], 0.5)).toBe(1);
});

it('gives probabilities of large logits too', () => {
  expect(probabilitiesOf([1000, 1000, -1000])).toEqual([0.5, 0.5, 0]);
});
