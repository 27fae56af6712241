import { describe, expect, it } from 'vitest';
import { CheckpointError, ShapeError } from '../../../../src/core/index.ts';
import { featureRows, LlavaOnevision, parseLlavaOnevisionConfig } from '../../../../src/models/index.ts';

/** As the released model of half a billion parameters has it, without the keys that say nothing of the model. */
const ONEVISION = {
  model_type: 'llava_onevision',
  image_token_index: 151_646,
  video_token_index: 151_647,
  tie_word_embeddings: false,
  text_config: {
    hidden_size: 896,
    intermediate_size: 4864,
    model_type: 'qwen2',
    num_attention_heads: 14,
    num_hidden_layers: 24,
    num_key_value_heads: 2,
    rope_theta: 1_000_000,
    tie_word_embeddings: true,
    vocab_size: 152_000,
  },
  vision_aspect_ratio: 'anyres_max_9',
  vision_config: {
    hidden_size: 1152,
    image_size: 384,
    intermediate_size: 4304,
    model_type: 'siglip_vision_model',
    num_attention_heads: 16,
    num_hidden_layers: 26,
    patch_size: 14,
    vision_use_head: false,
  },
  vision_feature_layer: -1,
  vision_feature_select_strategy: 'full',
};

describe('parseLlavaOnevisionConfig', () => {
  it('fills in what released files leave out, as Transformers does', () => {
    const { text, blocks, keepFirst, tiles } = parseLlavaOnevisionConfig(ONEVISION);
    expect(text).toMatchObject({ tied: true, attentionBias: true, headWidth: 64 });
    expect([blocks, keepFirst]).toEqual([[26], true]);
    expect(tiles).toMatchObject({ tileSize: 384, patches: 27, mostTiles: 9 });
    expect(tiles.pinpoints).toHaveLength(36);
    expect(tiles.pinpoints[7]).toEqual([768, 768]);
    expect(parseLlavaOnevisionConfig({ ...ONEVISION, image_grid_pinpoints: [[384, 768]] }).tiles.pinpoints).toEqual([
      [384, 768],
    ]);
  });

  it('gives features whatever the number of tiles', () => {
    const model = new LlavaOnevision(parseLlavaOnevisionConfig(ONEVISION));
    expect(model.pictureFeatures(model.pictureInputs()).shape).toEqual(['730*tiles', 896]);
    expect([...model.parameters().keys()]).toContain('image_newline');
    expect([...model.parameters().keys()]).not.toContain('language_model.lm_head.weight');
  });

  it.each([
    ['another architecture', { ...ONEVISION, model_type: 'llava' }, /model_type/],
    ['another way to cut', { ...ONEVISION, vision_aspect_ratio: 'square' }, /vision_aspect_ratio.*anyres_max_/],
    ['resolutions that tiles do not fill', { ...ONEVISION, image_grid_pinpoints: [[384, 400]] }, /384 × 400/],
    ['no resolutions', { ...ONEVISION, image_grid_pinpoints: [] }, /image_grid_pinpoints/],
    ['tiles without a first patch', { ...ONEVISION, vision_feature_select_strategy: 'default' }, /728 features/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseLlavaOnevisionConfig(json)).toThrow(CheckpointError);
    expect(() => parseLlavaOnevisionConfig(json)).toThrow(message);
  });
});

describe('featureRows', () => {
  const layout = { tileSize: 8, patches: 2, mostTiles: 9, pinpoints: [[8, 16]] as const };
  const rowsOf = (...pictures: Parameters<typeof featureRows>[0]): number[] =>
    Array.from(featureRows(pictures, layout).rows.data, Number);

  it('puts a new line behind a picture of one tile', () => {
    expect(rowsOf({ tiles: 1 })).toEqual([1, 2, 3, 4, 0]);
  });

  it('reads a grid of tiles row by row, behind the whole', () => {
    const picture = { tiles: 3, imageSize: [8, 16] as const };
    expect(rowsOf(picture)).toEqual([1, 2, 3, 4, 6, 7, 11, 12, 0, 8, 9, 13, 14, 0]);
    // Of several, each has its tiles behind those of the one before.
    expect(rowsOf({ tiles: 1 }, picture).slice(5)).toEqual([6, 7, 8, 9, 11, 12, 16, 17, 0, 13, 14, 18, 19, 0]);
  });

  it('leaves out what was added beside the picture', () => {
    expect(rowsOf({ tiles: 3, imageSize: [8, 8] }).slice(4)).toEqual([7, 11, 0, 9, 13, 0]);
  });

  it('mixes neighbours where there are too many', () => {
    const { rows, weights } = featureRows([{ tiles: 3, imageSize: [8, 16] }], { ...layout, mostTiles: 1 });
    // 2 × 4 patches become 1 × 2: each is the mean of four.
    expect(rows.shape).toEqual([4 + 2 + 1, 4]);
    expect(Array.from(rows.data.subarray(16, 24), Number)).toEqual([6, 7, 8, 9, 11, 12, 13, 14]);
    expect([...weights.data.subarray(16, 28)]).toEqual([...Array.from({ length: 8 }, () => 0.25), 1, 0, 0, 0]);
  });

  it('refuses tiles that are not those of the size', () => {
    expect(() => rowsOf({ tiles: 2, imageSize: [8, 16] })).toThrow(ShapeError);
    expect(() => rowsOf({ tiles: 3 })).toThrow(ShapeError);
    expect(() => rowsOf({ tiles: 3, imageSize: [0, 16] })).toThrow(/0 × 16/);
  });
});
