import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../../src/core/index.ts';
import { matchTensors } from '../../../../src/hub/index.ts';
import { ClipVisionModel } from '../../../../src/models/common/clip-vision.ts';
import { parseClipConfig } from '../../../../src/models/clip/config.ts';
import { Clip, clipNames, ClipTextModel, clipTextNames, clipVisionNames } from '../../../../src/models/clip/model.ts';
import { asFile } from '../as-file.ts';

const TOWER = { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 12 };
const TINY = {
  model_type: 'clip',
  projection_dim: 6,
  text_config: { ...TOWER, vocab_size: 11, max_position_embeddings: 9 },
  vision_config: { ...TOWER, image_size: 8, patch_size: 4 },
};

describe('parseClipConfig', () => {
  it('fills in what files on the Hub leave out, as Transformers does', () => {
    // Much of what the files of clip-vit-base-patch32 hold: towers named twice, once as null.
    const { vision, text, projection } = parseClipConfig({
      model_type: 'clip',
      projection_dim: 512,
      text_config: { eos_token_id: 2, bos_token_id: 0, model_type: 'clip_text_model' },
      text_config_dict: null,
      vision_config: { model_type: 'clip_vision_model' },
      vision_config_dict: null,
    });
    expect(text).toMatchObject({
      width: 512,
      heads: 8,
      hidden: 2048,
      layers: 12,
      vocabularySize: 49_408,
      maxLength: 77,
    });
    expect(text.endToken).toBe(2);
    expect(vision).toMatchObject({ width: 768, heads: 12, hidden: 3072, imageSize: 224, patchSize: 32, channels: 3 });
    expect([text.activation, vision.activation, text.normEpsilon]).toEqual(['quick_gelu', 'quick_gelu', 1e-5]);
    expect(projection).toBe(512);
  });

  it('lets the second form of a tower count, with defaults for what it lacks', () => {
    const { text } = parseClipConfig({
      text_config: { hidden_size: 640, hidden_act: 'quick_gelu', num_hidden_layers: 3 },
      text_config_dict: { hidden_size: 1024, intermediate_size: 4096, num_attention_heads: 16, hidden_act: 'gelu' },
    });
    expect(text).toMatchObject({
      width: 1024,
      heads: 16,
      hidden: 4096,
      layers: 12,
      activation: 'gelu',
      endToken: 49_407,
    });
  });

  it.each([
    ['several ends of a text', { text_config: { eos_token_id: [2, 3] } }, /text_config\.eos_token_id/],
    [
      'pictures that are not square',
      { vision_config: { image_size: [224, 112] } },
      /vision_config\.image_size.*square/,
    ],
    ['an activation that is not known', { vision_config: { hidden_act: 'mish' } }, /vision_config\.hidden_act/],
    ['heads that do not fit', { text_config: { num_attention_heads: 7 } }, /text_config\.num_attention_heads/],
    ['a tower that is no object', { text_config: 3 }, /text_config/],
    ['no object at all', null, /the file/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseClipConfig(json)).toThrow(CheckpointError);
    expect(() => parseClipConfig(json)).toThrow(message);
  });
});

describe('CLIP and its files', () => {
  const config = parseClipConfig(TINY);
  const file = [
    ...asFile(new Clip(config)),
    { name: 'text_model.embeddings.position_ids', dtype: 'int64', shape: [1, 9] } as const,
    { name: 'vision_model.embeddings.position_ids', dtype: 'int64', shape: [1, 5] } as const,
  ];

  it('leaves the numbers of positions out', () => {
    expect(matchTensors(new Clip(config).parameters(), file, clipNames, 'file').ignored).toHaveLength(2);
  });

  it('finds either tower alone', () => {
    const vision = matchTensors(new ClipVisionModel(config.vision).parameters(), file, clipVisionNames, 'file');
    expect(vision.names.get('pre_layrnorm.weight')).toBe('vision_model.pre_layrnorm.weight');
    const text = matchTensors(new ClipTextModel(config.text).parameters(), file, clipTextNames, 'file');
    expect(text.names.get('final_layer_norm.bias')).toBe('text_model.final_layer_norm.bias');
  });
});
