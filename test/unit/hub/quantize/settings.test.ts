import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../../src/core/index.ts';
import {
  FormChooser,
  parseQuantization,
  partsOf,
  quantizationSection,
  type QuantizationSettings,
  resolveSettings,
} from '../../../../src/hub/index.ts';

const NAMES = {
  q: 'model.text_model.layers.0.self_attn.q_proj.weight',
  bias: 'model.text_model.layers.0.self_attn.q_proj.bias',
  down: 'model.text_model.layers.11.mlp.down_proj.weight',
  norm: 'model.text_model.layers.0.input_layernorm.weight',
  table: 'model.text_model.embed_tokens.weight',
  head: 'lm_head.weight',
  vision: 'model.vision_model.encoder.layers.0.mlp.fc1.weight',
  positions: 'text_decoder.bert.embeddings.position_embeddings.weight',
  connector: 'model.connector.modality_projection.proj.weight',
  patches: 'visual.patch_embed.proj.weight',
};
const SHAPES: Partial<Record<keyof typeof NAMES, number[]>> = { bias: [4], norm: [4], patches: [4, 3, 2, 2] };

function forms(settings: QuantizationSettings, without: (keyof typeof NAMES)[] = []): Record<string, string> {
  const there = (Object.keys(NAMES) as (keyof typeof NAMES)[]).filter((key) => !without.includes(key));
  const chooser = new FormChooser(
    resolveSettings(settings),
    there.map((key) => NAMES[key]),
  );
  const entries = there.map((key) => [
    key,
    chooser.formOf({ name: NAMES[key], dtype: 'bfloat16', shape: SHAPES[key] ?? [8, 4] }),
  ]);
  return Object.fromEntries(entries.filter(([, form]) => form !== 'stored'));
}

describe('which weights are kept in few bits', () => {
  it("by default the language model's matrices", () => {
    expect(forms({})).toEqual({ q: 'int4', down: 'int4', head: 'int4' });
    expect(forms({ default: 'int8' })).toEqual({ q: 'int8', down: 'int8', head: 'int8' });
  });

  it('the table of embeddings where it is the output layer too', () => {
    expect(forms({}, ['head'])).toEqual({ q: 'int4', down: 'int4', table: 'int4' });
    expect(forms({ modules: { lm_head: 'int8' } }, ['head'])['table']).toBe('int8');
    expect(forms({ modules: { lm_head: 'int8' } })).toMatchObject({ head: 'int8' });
    expect(forms({ modules: { lm_head: 'int8' } })['table']).toBeUndefined();
  });

  it('by pattern, of which the last one that fits counts', () => {
    const modules = { vision_model: 'int8', 'layers.*.mlp': 'int8', 'layers.0': 'float32', 'q_*': 'bfloat16' } as const;
    expect(forms({ modules })).toEqual({
      q: 'bfloat16',
      bias: 'bfloat16',
      norm: 'float32',
      vision: 'float32',
      down: 'int8',
      head: 'int4',
    });
    // layers.1 is not layers.11, and a pattern is no regular expression.
    expect(forms({ default: 'stored', modules: { 'layers.1': 'int8', 'm.del': 'int8' } })).toEqual({});
  });

  it('vectors and kernels never', () => {
    const modules = { model: 'int4', visual: 'int4' } as const;
    expect(Object.keys(forms({ default: 'stored', modules })).sort()).toEqual(
      ['connector', 'down', 'q', 'table', 'vision'].sort(),
    );
  });

  it.each<[unknown, RegExp]>([
    [{ block: 33 }, /block/],
    [{ default: 'int3' }, /default/],
    [{ modules: { lm_head: 4 } }, /modules.lm_head/],
    [{ blocks: 32 }, /blocks/],
  ])('refuses %o', (settings, message) => {
    expect(() => resolveSettings(settings as QuantizationSettings)).toThrow(CheckpointError);
    expect(() => resolveSettings(settings as QuantizationSettings)).toThrow(message);
  });
});

describe('the section of config.json', () => {
  const matrices = new Map([
    ['a.weight', { bits: 4, block: 32, symmetric: false, shape: [6, 40] }],
    ['b.weight', { bits: 8, block: 32, symmetric: false, shape: [5, 32] }],
  ] as const);
  const section = quantizationSection(matrices, { block: 32, symmetric: false });

  it('is read as it was written', () => {
    const json = JSON.parse(JSON.stringify({ quantization_config: section })) as unknown;
    expect(parseQuantization(json, 'config.json')).toEqual(matrices);
    expect(parseQuantization({}, 'config.json').size).toBe(0);
    expect(parseQuantization({ quantization_config: null }, 'config.json').size).toBe(0);
  });

  it('says what is in the files', () => {
    expect(partsOf('a.weight', matrices.get('a.weight')!)).toEqual([
      { name: 'a.weight.packed', dtype: 'uint8', shape: [6, 2, 16] },
      { name: 'a.weight.scales', dtype: 'float32', shape: [6, 2] },
      { name: 'a.weight.zero_points', dtype: 'uint8', shape: [6, 1] },
    ]);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ quant_method: 'gptq' }, /quantized by 'gptq', which is not supported/],
    [{ quant_method: 4 }, /quant_method/],
    [{ version: 2 }, /version/],
    [{ block_size: 33 }, /block_size/],
    [{ weights: { a: { bits: 3, shape: [1, 1] } } }, /weights.a.bits/],
    [{ weights: { a: { bits: 4, shape: [1e9, 1e99] } } }, /weights.a.shape/],
    [{ weights: { a: { bits: 4, shape: [-1, 4] } } }, /weights.a.shape/],
    [{ weights: [] }, /weights/],
  ])('refuses %o', (change, message) => {
    const parse = (): unknown => parseQuantization({ quantization_config: { ...section, ...change } }, 'config.json');
    expect(parse).toThrow(CheckpointError);
    expect(parse).toThrow(message);
  });
});
