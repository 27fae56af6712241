import { describe, expect, it } from 'vitest';
import { groupsOf } from '../../../../src/recipe/tuning/parts.ts';

const LAYER = 'network.text_model.layers.0.mlp.up_proj.weight';
const EMBEDDINGS = 'network.text_model.embed_tokens.weight';
const TOWER = 'network.vision_model.encoder.layers.0.mlp.fc1.weight';

describe('parts of a model', () => {
  it('have factors of their own, and are left as they are with 0', () => {
    const groups = groupsOf({ vision: 0, connector: 0.5, language: 2 }, 'network.');
    expect(groups(TOWER)).toEqual({ train: false, rate: 1 });
    expect(groups('network.connector.mlp.fc1.weight')).toEqual({ train: true, rate: 0.5 });
    expect(groups(EMBEDDINGS)).toEqual({ train: true, rate: 2 });
    expect(groups(LAYER)).toEqual({ train: true, rate: 2 });
    expect(groups('concepts')).toEqual({ train: true, rate: 1 });
  });

  it("may leave out the language model's layers, and no others", () => {
    const groups = groupsOf({ vision: 1, connector: 1, language: 1, layers: 0 }, 'network.');
    expect(groups(LAYER).train).toBe(false);
    for (const path of [EMBEDDINGS, TOWER, 'network.text_model.norm.weight']) expect(groups(path).train).toBe(true);
  });
});
