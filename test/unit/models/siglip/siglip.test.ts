import { describe, expect, it } from 'vitest';
import { CheckpointError, GraphError } from '../../../../src/core/index.ts';
import { input } from '../../../../src/graph/index.ts';
import { matchTensors } from '../../../../src/hub/index.ts';
import { SiglipVisionModel } from '../../../../src/models/common/siglip-vision.ts';
import { parseSiglipConfig } from '../../../../src/models/siglip/config.ts';
import { Siglip, siglipVisionNames } from '../../../../src/models/siglip/model.ts';
import { asFile } from '../as-file.ts';

const TOWER = { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 12 };
const TINY = {
  text_config: { ...TOWER, vocab_size: 11, max_position_embeddings: 9 },
  vision_config: { ...TOWER, image_size: 8, patch_size: 4 },
};

describe('parseSiglipConfig', () => {
  it('fills in what files on the Hub leave out, as Transformers does', () => {
    const { vision, text } = parseSiglipConfig({
      model_type: 'siglip',
      text_config: { model_type: 'siglip_text_model', vocab_size: 256_000 },
      vision_config: { model_type: 'siglip_vision_model' },
    });
    const tower = { width: 768, heads: 12, hidden: 3072, layers: 12, activation: 'gelu_tanh', normEpsilon: 1e-6 };
    expect(text).toMatchObject({ ...tower, vocabularySize: 256_000, maxLength: 64 });
    expect(vision).toMatchObject({ ...tower, imageSize: 224, patchSize: 16, head: true });
    expect(parseSiglipConfig({}).text.vocabularySize).toBe(32_000);
  });

  it.each([
    ['variable resolution', { model_type: 'siglip2' }, /naflex/],
    ['another architecture', { model_type: 'clip' }, /model_type/],
    ['vectors of two widths', { text_config: { hidden_size: 1152 } }, /1152.*768/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseSiglipConfig(json)).toThrow(CheckpointError);
    expect(() => parseSiglipConfig(json)).toThrow(message);
  });

  it('lets texts be projected to the width of pictures', () => {
    expect(parseSiglipConfig({ text_config: { hidden_size: 1152, projection_size: 768 } }).text.projection).toBe(768);
  });
});

describe('SigLIP', () => {
  const config = parseSiglipConfig(TINY);

  it('is found as a vision tower without attention pooling', () => {
    const tower = new SiglipVisionModel({ ...config.vision, head: false });
    const file = asFile(new Siglip(config)).filter(({ name }) => !name.startsWith('vision_model.head.'));
    expect(matchTensors(tower.parameters(), file, siglipVisionNames, 'file').names.size).toBe(tower.parameters().size);
    expect(tower.forward(input('pixels', 'float32', ['B', 3, 8, 8])).pooled).toBeUndefined();
  });

  it('needs to know the length of texts', () => {
    const model = new Siglip(config);
    expect(() => model.textFeatures(input('ids', 'int64', ['B', 'T']))).toThrow(GraphError);
  });
});
