import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../../src/data/index.ts';
import { matchingTensors } from '../../../../src/recipe/conversations/matching.ts';
import { IGNORED } from '../../../../src/train/index.ts';
import { config, sample, tokenizer } from './tiny.ts';

const SHAPE = { regions: 3, side: 2, captionLength: 12, concepts: 5, attributes: 1 };

describe('what matching objectives read', () => {
  it('are classes and shares of patches; a region that is no concept has a place and no class', () => {
    const one: Sample = {
      ...sample(1, [['what is this?', 'a red apple']]),
      regions: [
        { picture: 0, box: [0, 0, 0.5, 1], concept: 3, attributes: [2] },
        { picture: 0, box: [0.5, 0.5, 1, 1] },
      ],
      captions: ['a red apple'],
    };
    const tensors = matchingTensors([one], tokenizer, config.endToken, SHAPE);
    const none = BigInt(IGNORED);
    expect([...tensors['region_concepts']!.data]).toEqual([3n, none, none]);
    expect([...tensors['region_attributes']!.data]).toEqual([2n, none, none]);
    expect([...tensors['shown']!.data]).toEqual([0, 0, 0, 1, 0]);
    expect([...tensors['region_weights']!.data]).toEqual([0.5, 0, 0.5, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  });
});
