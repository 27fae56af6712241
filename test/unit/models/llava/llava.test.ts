import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../../src/core/index.ts';
import { Llava, parseLlavaConfig } from '../../../../src/models/index.ts';

/** As the released LLaVA 1.5 of 7 billion parameters has it, without the keys that say nothing of the model. */
const LLAVA = {
  model_type: 'llava',
  image_token_index: 32_000,
  projector_hidden_act: 'gelu',
  tie_word_embeddings: false,
  text_config: { max_position_embeddings: 4096, model_type: 'llama', rms_norm_eps: 1e-5, vocab_size: 32_064 },
  vision_config: {
    hidden_size: 1024,
    image_size: 336,
    intermediate_size: 4096,
    model_type: 'clip_vision_model',
    num_attention_heads: 16,
    num_hidden_layers: 24,
    patch_size: 14,
    projection_dim: 768,
    vocab_size: 32_000,
  },
  vision_feature_layer: -2,
  vision_feature_select_strategy: 'default',
};

describe('parseLlavaConfig', () => {
  it('fills in what released files leave out, as Transformers does', () => {
    const { vision, text, blocks, keepFirst, projector } = parseLlavaConfig(LLAVA);
    expect(vision).toMatchObject({
      kind: 'clip',
      activation: 'quick_gelu',
      normEpsilon: 1e-5,
      heads: 16,
      hidden: 4096,
    });
    expect(text).toMatchObject({
      width: 4096,
      layers: 32,
      heads: 32,
      keyValueHeads: 32,
      hidden: 11_008,
      maxLength: 4096,
    });
    expect({ blocks, keepFirst, projector }).toEqual({
      blocks: [23],
      keepFirst: false,
      projector: { activation: 'gelu', bias: true },
    });
  });

  it('reads other towers, decoders and layers', () => {
    const { vision, text, blocks, keepFirst } = parseLlavaConfig({
      ...LLAVA,
      image_token_index: 151_646,
      text_config: { model_type: 'qwen2', tie_word_embeddings: true, vocab_size: 152_000 },
      vision_config: { model_type: 'siglip_vision_model', vision_use_head: false },
      vision_feature_layer: [0, -1],
      vision_feature_select_strategy: 'full',
    });
    expect(vision).toMatchObject({ kind: 'siglip', activation: 'gelu_tanh', head: false, patchSize: 16 });
    expect(text).toMatchObject({ tied: true, attentionBias: true, maxLength: 32_768 });
    expect([blocks, keepFirst]).toEqual([[0, 12], true]);
  });

  it('has the sizes of the released model', () => {
    const model = new Llava(parseLlavaConfig(LLAVA));
    const count = [...model.parameters().values()].reduce(
      (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
      0,
    );
    expect(count).toBe(7_063_427_072);
    expect(model.pictureFeatures(model.pictureInputs()).shape).toEqual(['576*tiles', 4096]);
  });

  it.each([
    ['another architecture', { ...LLAVA, model_type: 'llava_next' }, /model_type/],
    [
      'a layer that is not there',
      { ...LLAVA, vision_feature_layer: [-2, 25] },
      /vision_feature_layer is 25.*24 layers/,
    ],
    ['a layer before the first', { ...LLAVA, vision_feature_layer: -26 }, /vision_feature_layer is -26/],
    ['no layers', { ...LLAVA, vision_feature_layer: [] }, /vision_feature_layer/],
    ['an image token that is none', { ...LLAVA, image_token_index: 32_064 }, /image_token_index is 32064/],
    ['an unknown tower', { ...LLAVA, vision_config: { model_type: 'dinov2' } }, /vision_config\.model_type/],
    ['an unknown decoder', { ...LLAVA, text_config: { model_type: 'mpt' } }, /text_config.*'mpt'/],
    ['a wrong key of the tower', { ...LLAVA, vision_config: { num_attention_heads: 7 } }, /num_attention_heads/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseLlavaConfig(json)).toThrow(CheckpointError);
    expect(() => parseLlavaConfig(json)).toThrow(message);
  });
});
