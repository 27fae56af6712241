import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../../src/core/index.ts';
import { parseShardedIndex } from '../../../src/hub/sharded-index.ts';

describe('sharded index', () => {
  it('maps tensors to shards', () => {
    const index = {
      metadata: { total_size: 8 },
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'x.safetensors' },
    };
    expect([...parseShardedIndex(index, 'index')]).toEqual(Object.entries(index.weight_map));
  });

  it.each([
    '../evil.safetensors',
    '/etc/evil.safetensors',
    'folder/evil.safetensors',
    'folder\\evil.safetensors',
    'C:evil.safetensors',
    '.hidden.safetensors',
    '..safetensors/../x.safetensors',
    'evil.safetensors\0.safetensors',
    'evil.bin',
    '',
    7,
    null,
  ])('refuses the shard %j', (shard) => {
    expect(() => parseShardedIndex({ weight_map: { a: shard } }, 'index')).toThrow(CheckpointError);
  });

  it.each([null, [], {}, { weight_map: [] }, { weight_map: {} }, 'x'])('refuses the index %j', (index) => {
    expect(() => parseShardedIndex(index, 'index')).toThrow(CheckpointError);
  });
});
