import { describe, expect, it } from 'vitest';
import { CheckpointError, ShapeError } from '../../../../src/core/index.ts';
import { input } from '../../../../src/graph/index.ts';
import { Idefics3, parseIdefics3Config } from '../../../../src/models/index.ts';

/** As the released SmolVLM-256M has it, without the keys that say nothing of the model. */
const SMOLVLM = {
  model_type: 'idefics3',
  image_token_id: 49_190,
  scale_factor: 4,
  tie_word_embeddings: false,
  text_config: {
    head_dim: 64,
    hidden_size: 576,
    intermediate_size: 1536,
    max_position_embeddings: 8192,
    model_type: 'llama',
    num_attention_heads: 9,
    num_hidden_layers: 30,
    num_key_value_heads: 3,
    pixel_shuffle_factor: 4,
    qk_layer_norms: false,
    rms_norm_eps: 1e-5,
    rope_theta: 100_000,
    vocab_size: 49_280,
  },
  vision_config: {
    hidden_size: 768,
    image_size: 512,
    max_image_size: { longest_edge: 512 },
    model_type: 'idefics3_vision',
    num_attention_heads: 12,
    patch_size: 16,
    size: { longest_edge: 2048 },
  },
};

describe('parseIdefics3Config', () => {
  it('fills in what released files leave out, as Transformers does', () => {
    const { vision, text, scale, imageToken } = parseIdefics3Config(SMOLVLM);
    expect(vision).toEqual({
      width: 768,
      layers: 12,
      heads: 12,
      hidden: 3072,
      activation: 'gelu_tanh',
      normEpsilon: 1e-6,
      imageSize: 512,
      patchSize: 16,
      channels: 3,
      head: false,
    });
    expect(text).toMatchObject({ width: 576, keyValueHeads: 3, headWidth: 64, rotary: { base: 100_000 }, tied: false });
    expect([scale, imageToken]).toEqual([4, 49_190]);
    // 3072 whatever the width, and the language model of LLaMA's first release.
    const bare = parseIdefics3Config({ image_token_id: 7, vision_config: { patch_size: 14 } });
    expect(bare.vision).toMatchObject({ width: 1152, hidden: 3072, heads: 16, imageSize: 224 });
    expect(bare.text).toMatchObject({ width: 4096, layers: 32, vocabularySize: 32_000, hidden: 11_008 });
  });

  it('has the sizes of the released model', () => {
    const model = new Idefics3(parseIdefics3Config(SMOLVLM));
    const count = [...model.parameters().values()].reduce(
      (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
      0,
    );
    expect(count).toBe(256_484_928);
    expect(model.pictureFeatures(model.pictureInputs()).shape).toEqual(['64*tiles', 576]);
  });

  it.each([
    ['another architecture', { ...SMOLVLM, model_type: 'llava' }, /model_type/],
    ['squares that do not fill a tile', { ...SMOLVLM, scale_factor: 5 }, /scale_factor is 5.*32 patches/],
    ['an image token that is none', { ...SMOLVLM, image_token_id: 49_280 }, /image_token_id is 49280.*49280 tokens/],
    ['an unknown decoder', { ...SMOLVLM, text_config: { model_type: '__proto__' } }, /text_config.*'__proto__'/],
    ['no list of keys', { ...SMOLVLM, text_config: [3] }, /text_config/],
    [
      'a wrong key of the decoder',
      { ...SMOLVLM, text_config: { ...SMOLVLM.text_config, vocab_size: -1 } },
      /text_config: vocab_size/,
    ],
    ['a wrong key of the tower', { ...SMOLVLM, vision_config: { hidden_size: 1e12 } }, /vision_config\.hidden_size/],
    ['patches larger than tiles', { ...SMOLVLM, vision_config: { image_size: 8, patch_size: 16 } }, /patch_size/],
    ['no object', 'idefics3', /the file/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseIdefics3Config(json)).toThrow(CheckpointError);
    expect(() => parseIdefics3Config(json)).toThrow(message);
  });
});

describe('Idefics3', () => {
  it('takes tiles of its own size alone', () => {
    const model = new Idefics3(parseIdefics3Config(SMOLVLM));
    expect(() => model.pictureFeatures({ pixel_values: input('pixel_values', 'float32', [1, 3, 384, 384]) })).toThrow(
      ShapeError,
    );
  });
});
