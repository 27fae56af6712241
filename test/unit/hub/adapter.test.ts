import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../src/core/index.ts';
import { adapterConfig, adapterLayers, parseAdapterConfig } from '../../../src/hub/index.ts';

const PLAIN = { peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: ['q_proj'] };
const expected = new Map([
  ['layers.0.q_proj.weight', { shape: [6, 5] }],
  ['layers.0.q_proj.bias', { shape: [6] }],
  ['layers.1.q_proj.weight', { shape: [6, 5] }],
]);
const tensor = (name: string, ...shape: number[]) => ({ name, dtype: 'float32' as const, shape });
const pair = (path: string, rank = 4) => [
  tensor(`base_model.model.${path}.lora_A.weight`, rank, 5),
  tensor(`base_model.model.${path}.lora_B.weight`, 6, rank),
];

describe('adapter_config.json', () => {
  it('is read as it was written', () => {
    const settings = parseAdapterConfig({ ...PLAIN, use_rslora: true, alpha_pattern: { q_proj: 2 } }, 'a.json');
    expect(parseAdapterConfig(adapterConfig(settings), 'b.json')).toEqual(settings);
    expect(settings).toMatchObject({ rank: 4, alpha: 8, rankStabilized: true, dora: false });
  });

  it.each([
    ['another type', { peft_type: 'IA3' }],
    ['whole modules', { modules_to_save: ['lm_head'] }],
    ['a rank of zero', { r: 0 }],
    ['an endless rank', { r: 1e9 }],
    ['an infinite α', { lora_alpha: Number.POSITIVE_INFINITY }],
    ['biases', { bias: 'all' }],
    ['changed weights of the model', { init_lora_weights: 'pissa' }],
    ['transposed layers', { fan_in_fan_out: true }],
    ['layers used twice', { layer_replication: [[0, 1]] }],
    ['a list in place of a number', { r: [4] }],
  ])('is refused with %s', (_, change) => {
    expect(() => parseAdapterConfig({ ...PLAIN, ...change }, 'a.json')).toThrow(CheckpointError);
    expect(() => parseAdapterConfig({ ...PLAIN, ...change }, 'a.json')).toThrow(/a\.json/);
  });
});

describe('tensors of an adapter', () => {
  const layers = (tensors: ReturnType<typeof pair>, change: object = {}) =>
    adapterLayers(parseAdapterConfig({ ...PLAIN, ...change }, 'c'), tensors, expected, {}, 'f');

  it('find their layers, with ranks and scales of their own', () => {
    const found = layers([...pair('layers.0.q_proj'), ...pair('layers.1.q_proj', 2)], {
      alpha_pattern: { 'layers.1.q_proj': 3 },
    });
    expect(found.get('layers.0.q_proj')).toMatchObject({ rank: 4, scaling: 2 });
    expect(found.get('layers.1.q_proj')).toMatchObject({ rank: 2, scaling: 1.5 });
    expect(layers(pair('layers.0.q_proj'), { use_rslora: true }).get('layers.0.q_proj')!.scaling).toBe(4);
  });

  it.each([
    ['none is there', []],
    ['one lacks its counterpart', pair('layers.0.q_proj').slice(1)],
    ['a layer is not there', pair('layers.7.q_proj')],
    ['a name is of something else', [tensor('base_model.model.layers.0.q_proj.weight', 6, 5)]],
    ['ranks differ', [pair('layers.0.q_proj')[0]!, pair('layers.0.q_proj', 3)[1]!]],
    ['shapes are of another model', [tensor('layers.0.q_proj.lora_A.weight', 4, 9), pair('layers.0.q_proj')[1]!]],
    ['a length comes without DoRA', [...pair('layers.0.q_proj'), tensor('layers.0.q_proj.lora_magnitude_vector', 6)]],
    ['one is there twice', [...pair('layers.0.q_proj'), tensor('layers.0.q_proj.lora_A.weight', 4, 5)]],
  ])('are refused where %s', (_, tensors) => {
    expect(() => layers(tensors)).toThrow(CheckpointError);
  });

  it('are refused where DoRA has no lengths, and where a pattern is a program', () => {
    expect(() => layers(pair('layers.0.q_proj'), { use_dora: true })).toThrow(CheckpointError);
    expect(() => layers(pair('layers.0.q_proj'), { alpha_pattern: { '(a+)+$': 2 } })).toThrow(CheckpointError);
  });
});
