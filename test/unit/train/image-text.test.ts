import { describe, expect, it } from 'vitest';
import { GraphError } from '../../../src/core/index.ts';
import { ImageTextTraining } from '../../../src/train/index.ts';
import { model } from '../recipe/conversations/tiny.ts';

const WEIGHTS = { language: 1, contrastive: 0, shown: 0, concepts: 5, attributeClasses: [3, 2] };

describe('what an image-text model is trained for', () => {
  it('has a layer for each attribute of regions', () => {
    expect(new ImageTextTraining(model(), { ...WEIGHTS, regions: 1, attributes: 0.3 }).attributes).toHaveLength(2);
    expect(new ImageTextTraining(model(), { ...WEIGHTS, regions: 1 }).attributes).toEqual([]);
  });

  it('is not attributes of regions without the regions', () => {
    const make = (): unknown => new ImageTextTraining(model(), { ...WEIGHTS, regions: 0, attributes: 0.3 });
    expect(make).toThrow(GraphError);
    expect(make).toThrow('give regions a weight above 0, or leave attributes out');
  });
});
