import { describe, expect, it } from 'vitest';
import { CheckpointError, ShapeError } from '../../../../src/core/index.ts';
import { input } from '../../../../src/graph/index.ts';
import { matchTensors, TensorAccountError } from '../../../../src/hub/index.ts';
import { parseBertConfig } from '../../../../src/models/bert/config.ts';
import { Bert, bertEncoderNames, BertForMaskedLM, bertNames, createBert } from '../../../../src/models/bert/model.ts';
import { asFile } from '../as-file.ts';

const CONFIG = parseBertConfig({
  vocab_size: 11,
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 12,
  max_position_embeddings: 9,
});

/** The form of the first checkpoints: converted from TensorFlow, of pretraining with two heads. */
function firstCheckpoint(): ReturnType<typeof asFile> {
  const names = asFile(new BertForMaskedLM(CONFIG, { pooler: true })).map((tensor) => ({
    ...tensor,
    name: tensor.name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
  }));
  return [
    ...names,
    { name: 'cls.seq_relationship.weight', dtype: 'float32', shape: [2, 8] },
    { name: 'cls.seq_relationship.bias', dtype: 'float32', shape: [2] },
    { name: 'cls.predictions.decoder.weight', dtype: 'float32', shape: [11, 8] },
    { name: 'bert.embeddings.position_ids', dtype: 'int64', shape: [1, 9] },
  ];
}

describe('parseBertConfig', () => {
  it('fills in what files on the Hub leave out, as Transformers does', () => {
    expect(parseBertConfig({ architectures: ['BertForMaskedLM'], position_embedding_type: 'absolute' })).toEqual({
      vocabularySize: 30_522,
      maxLength: 512,
      tokenTypes: 2,
      width: 768,
      layers: 12,
      heads: 12,
      hidden: 3072,
      activation: 'gelu',
      normEpsilon: 1e-12,
      dropout: 0.1,
      tied: true,
    });
  });

  it.each([
    ['relative positions', { position_embedding_type: 'relative_key' }, /position_embedding_type/],
    ['a decoder', { is_decoder: true }, /decoder/],
    ['cross-attention', { add_cross_attention: true }, /decoder/],
    ['an activation that is not known', { hidden_act: 'gelu_10' }, /hidden_act/],
    ['another architecture', { model_type: 'roberta' }, /model_type/],
    ['heads that do not fit', { num_attention_heads: 7 }, /num_attention_heads/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parseBertConfig(json)).toThrow(CheckpointError);
    expect(() => parseBertConfig(json)).toThrow(message);
  });
});

describe('BERT and its files', () => {
  it('reads the oldest form, and tells what it leaves out', () => {
    const file = firstCheckpoint();
    const model = createBert(
      CONFIG,
      file.map(({ name }) => name),
    );
    expect(model).toBeInstanceOf(BertForMaskedLM);
    const { names, ignored } = matchTensors(model.parameters(), file, bertNames, 'file');
    expect(names.get('bert.embeddings.LayerNorm.weight')).toBe('bert.embeddings.LayerNorm.gamma');
    expect(names.get('bert.pooler.dense.weight')).toBe('bert.pooler.dense.weight');
    expect(ignored).toHaveLength(4);
  });

  it('is found as an encoder in a file with heads', () => {
    const { names, ignored } = matchTensors(new Bert(CONFIG).parameters(), firstCheckpoint(), bertEncoderNames, 'file');
    expect(names.get('encoder.layer.0.attention.self.query.weight')).toBe(
      'bert.encoder.layer.0.attention.self.query.weight',
    );
    expect(ignored).toContain('bert.pooler.dense.weight');
    expect(ignored).toContain('cls.predictions.transform.LayerNorm.gamma');
  });

  it('has no pooler where the file has none', () => {
    const names = asFile(new BertForMaskedLM(CONFIG)).map(({ name }) => name);
    expect([...createBert(CONFIG, names).parameters().keys()].sort()).toEqual(names.sort());
  });

  it('refuses heads that it does not know', () => {
    const file = [...asFile(new Bert(CONFIG)), { name: 'classifier.weight', dtype: 'float32', shape: [2, 8] } as const];
    const model = createBert(
      CONFIG,
      file.map(({ name }) => name),
    );
    expect(() => matchTensors(model.parameters(), file, bertNames, 'file')).toThrow(TensorAccountError);
  });

  it('refuses a head with output weights of its own', () => {
    expect(() => createBert({ ...CONFIG, tied: false }, ['cls.predictions.transform.dense.weight'])).toThrow(
      /tie_word/,
    );
  });

  it('refuses texts longer than its positions', () => {
    const ids = input('ids', 'int64', ['B', 10]);
    expect(() => new Bert(CONFIG).forward(ids)).toThrow(ShapeError);
  });
});
