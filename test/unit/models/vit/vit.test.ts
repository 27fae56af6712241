import { describe, expect, it } from 'vitest';
import { CheckpointError, ShapeError } from '../../../../src/core/index.ts';
import { input } from '../../../../src/graph/index.ts';
import { matchTensors } from '../../../../src/hub/index.ts';
import { parseViTConfig } from '../../../../src/models/vit/config.ts';
import { createViT, ViT, vitEncoderNames, ViTForImageClassification } from '../../../../src/models/vit/model.ts';
import { asFile } from '../as-file.ts';

const TINY = {
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 12,
  image_size: 8,
  patch_size: 4,
};

describe('parseViTConfig', () => {
  it('fills in what files on the Hub leave out, as Transformers does', () => {
    expect(parseViTConfig({ model_type: 'vit' })).toEqual({
      imageSize: [224, 224],
      patchSize: 16,
      channels: 3,
      width: 768,
      layers: 12,
      heads: 12,
      hidden: 3072,
      activation: 'gelu',
      normEpsilon: 1e-12,
      projectionBias: true,
      poolerWidth: 768,
      dropout: 0,
      labels: ['LABEL_0', 'LABEL_1'],
    });
  });

  it('orders classes by their numbers, not by their keys', () => {
    const id2label = {
      '10': 'k',
      '0': 'a',
      ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [i + 1, `x${i}`])),
    };
    expect(parseViTConfig({ id2label }).labels).toEqual(['a', ...Array.from({ length: 9 }, (_, i) => `x${i}`), 'k']);
  });

  it.each([
    ['another architecture', { model_type: 'swin' }, /model_type/],
    ['an activation that is not known', { hidden_act: 'mish' }, /hidden_act.*"gelu"/],
    ['another pooler', { pooler_act: 'relu' }, /pooler_act/],
    ['heads that do not fit', { hidden_size: 10, num_attention_heads: 3 }, /num_attention_heads.*divide/],
    ['patches that are not square', { patch_size: [4, 8] }, /patch_size.*square/],
    ['patches larger than pictures', { image_size: 8, patch_size: 16 }, /patch_size/],
    ['sizes beyond reason', { hidden_size: 1e12 }, /hidden_size/],
    ['classes with a gap', { id2label: { '0': 'a', '2': 'b' } }, /id2label.*gap/],
    ['classes by name', { id2label: { __proto__x: 'a' } }, /id2label/],
  ])('refuses %s', (_, json, message) => {
    const parse = (): unknown => parseViTConfig(json, 'folder/config.json');
    expect(parse).toThrow(CheckpointError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/folder\/config\.json/);
  });
});

describe('ViT', () => {
  const config = parseViTConfig(TINY);

  it('has the parts that a file has', () => {
    const bare = createViT(config, ['embeddings.cls_token']);
    expect(bare).toBeInstanceOf(ViT);
    expect([...bare.parameters().keys()]).not.toContain('pooler.dense.weight');
    expect([...createViT(config, ['pooler.dense.weight']).parameters().keys()]).toContain('pooler.dense.weight');
    const classifier = createViT(config, ['vit.embeddings.cls_token', 'classifier.weight']);
    expect(classifier).toBeInstanceOf(ViTForImageClassification);
  });

  it('is found as an encoder in files with a head, a pooler and a mask token', () => {
    const names = asFile(new ViTForImageClassification(config, { pooler: true }));
    names.push({ name: 'vit.embeddings.mask_token', dtype: 'float32', shape: [1, 1, 8] });
    const { ignored } = matchTensors(new ViT(config).parameters(), names, vitEncoderNames, 'file');
    expect([...ignored].sort()).toEqual([
      'classifier.bias',
      'classifier.weight',
      'vit.embeddings.mask_token',
      'vit.pooler.dense.bias',
      'vit.pooler.dense.weight',
    ]);
  });

  it('says which pictures it takes', () => {
    const pixels = input('pixels', 'float32', ['B', 3, 8, 16]);
    expect(() => new ViT(config).forward(pixels)).toThrow(ShapeError);
    expect(() => new ViT(config).forward(pixels)).toThrow(/\[B, 3, 8, 16\].*\[batch, 3, 8, 8\]/);
  });
});
