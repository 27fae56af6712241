import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../../src/core/index.ts';
import { matchTensors } from '../../../../src/hub/index.ts';
import { parseQwen25VLConfig, Qwen25VL, qwen25VLNames } from '../../../../src/models/index.ts';

const text = {
  hidden_act: 'silu',
  hidden_size: 2048,
  intermediate_size: 11_008,
  max_position_embeddings: 128_000,
  max_window_layers: 70,
  num_attention_heads: 16,
  num_hidden_layers: 36,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  sliding_window: 32_768,
  use_sliding_window: false,
  vocab_size: 151_936,
};
const vision = {
  depth: 32,
  hidden_act: 'silu',
  hidden_size: 1280,
  intermediate_size: 3420,
  num_heads: 16,
  in_chans: 3,
  out_hidden_size: 2048,
  patch_size: 14,
  spatial_merge_size: 2,
  spatial_patch_size: 14,
  window_size: 112,
  fullatt_block_indexes: [7, 15, 23, 31],
  tokens_per_second: 2,
  temporal_patch_size: 2,
};
/** The 3B checkpoint's sizes as it was released. */
const flat = {
  ...text,
  model_type: 'qwen2_5_vl',
  image_token_id: 151_655,
  vision_start_token_id: 151_652,
  vision_end_token_id: 151_653,
  tie_word_embeddings: true,
  vision_config: vision,
  rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
};
/** The same as Transformers writes it today. */
const nested = {
  model_type: 'qwen2_5_vl',
  tie_word_embeddings: true,
  image_token_id: 151_655,
  vision_config: { ...vision, in_chans: undefined, in_channels: 3, rope_parameters: { rope_theta: 10_000 } },
  text_config: {
    ...text,
    rope_theta: undefined,
    rope_parameters: { rope_type: 'default', rope_theta: 1_000_000, mrope_section: [16, 24, 24] },
  },
};

describe('parseQwen25VLConfig', () => {
  it('reads the older and the newer form alike', () => {
    const parsed = parseQwen25VLConfig(flat);
    expect(parseQwen25VLConfig(nested)).toEqual(parsed);
    const { rope_scaling, ...rest } = { ...flat, ...text };
    expect(parseQwen25VLConfig({ ...nested, text_config: { ...rest, rope_scaling } })).toEqual(parsed);
    expect(parsed).toMatchObject({
      sections: [16, 24, 24],
      vision: { windowSide: 4, merge: 2, rotaryBase: 10_000 },
      text: { layers: 36, heads: 16, keyValueHeads: 2, headWidth: 128, tied: true, attentionBias: true },
    });
    expect([...parsed.vision.fullAttention]).toEqual([7, 15, 23, 31]);
  });

  it('ties the output layer where either form says so', () => {
    const untied = { ...nested, tie_word_embeddings: false };
    expect(parseQwen25VLConfig(untied).text.tied).toBe(false);
    const within = { ...untied, text_config: { ...nested.text_config, tie_word_embeddings: true } };
    expect(parseQwen25VLConfig(within).text.tied).toBe(true);
  });

  it.each([
    ['mrope_section turns 60 pairs', { rope_scaling: { type: 'mrope', mrope_section: [20, 20, 20] } }],
    ['out_hidden_size is 1024', { vision_config: { ...vision, out_hidden_size: 1024 } }],
    ['does not give 7 heads', { vision_config: { ...vision, num_heads: 7 } }],
    ['window_size 20', { vision_config: { ...vision, window_size: 20 } }],
    ['names a block beyond the 32', { vision_config: { ...vision, fullatt_block_indexes: [32] } }],
    ['image_token_id is 200000', { image_token_id: 200_000 }],
    ['vision_config.patch_size', { vision_config: { ...vision, patch_size: -14 } }],
    ["rotary scaling 'yarn'", { rope_scaling: { type: 'yarn', mrope_section: [16, 24, 24] } }],
    ['use_sliding_window', { use_sliding_window: true }],
    ['vocab_size', { vocab_size: 'many' }],
    ['text_config', { text_config: 3 }],
  ])('refuses a file: %s', (message, change) => {
    const parse = (): unknown => parseQwen25VLConfig({ ...flat, ...change });
    expect(parse).toThrow(CheckpointError);
    expect(parse).toThrow(message);
  });
});

describe('Qwen25VL', () => {
  it('has the tensors of the 3B checkpoint', () => {
    const parameters = new Qwen25VL(parseQwen25VLConfig(flat)).parameters();
    const count = [...parameters.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    // An embedding, 36 layers and a norm; the tower's patches, 32 blocks and merger.
    expect(count).toBe(3_754_622_976);
    expect(parameters.size).toBe(824);
    expect(parameters.get('visual.patch_embed.proj.weight')?.shape).toEqual([1280, 3, 2, 14, 14]);
    expect(parameters.get('visual.merger.mlp.2.weight')?.shape).toEqual([2048, 5120]);
    expect(parameters.has('lm_head.weight')).toBe(false);
  });

  it('finds its tensors by released and by newer names', () => {
    const parameters = new Qwen25VL(parseQwen25VLConfig(flat)).parameters();
    const found = (rename: (path: string) => string): { name: string; dtype: 'bfloat16'; shape: readonly number[] }[] =>
      [...parameters].map(([path, { shape }]) => ({ name: rename(path), dtype: 'bfloat16', shape }));
    const newer = (path: string): string =>
      path.startsWith('visual.') ? `model.${path}` : path.replace(/^model\./, 'model.language_model.');
    for (const rename of [(path: string): string => path, newer])
      expect(matchTensors(parameters, found(rename) as never, qwen25VLNames(true), 'file').names.size).toBe(
        parameters.size,
      );
  });
});
