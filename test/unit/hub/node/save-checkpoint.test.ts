import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointError, convertFloats, hostTensor, type HostTensor, Random } from '../../../../src/core/index.ts';
import { openCheckpoint, saveCheckpoint, tensorSources, weightStreams } from '../../../../src/hub/node/index.ts';
import { temporaryFolder } from './temporary.ts';

const root = temporaryFolder();
const random = new Random(2);
const floats = (...shape: number[]): HostTensor<'float32'> => {
  const tensor = hostTensor('float32', shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = random.normal();
  return tensor;
};
const TENSORS = new Map<string, HostTensor>([
  ['model.layers.0.weight', floats(8, 6)],
  ['model.layers.1.weight', floats(8, 6)],
  ['model.layers.1.bias', floats(8)],
  ['model.ids', hostTensor('int64', [3], BigInt64Array.of(1n, 2n, -3n))],
  ['lm_head.weight', floats(40, 6)],
]);
const config = { model_type: 'llama', torch_dtype: 'float32', vision_config: { dtype: 'float32', width: 3 } };
const tensors = tensorSources(TENSORS);

async function contents(folder: string): Promise<Map<string, HostTensor>> {
  const { weights } = await openCheckpoint(folder);
  const all = await weights.readAll();
  await weights.close();
  return all;
}

async function configOf(folder: string): Promise<object> {
  const { weights, config: found } = await openCheckpoint(folder);
  await weights.close();
  return found;
}

function expectEqual(found: ReadonlyMap<string, HostTensor>, expected: ReadonlyMap<string, HostTensor>): void {
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, tensor] of expected) expect(found.get(name)).toEqual(tensor);
}

describe('saveCheckpoint', () => {
  it('gives everything back, bit by bit, in one file', async () => {
    const folder = join(root, 'one');
    await saveCheckpoint(folder, { config, tensors });
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors']);
    expectEqual(await contents(folder), TENSORS);
    expect(await configOf(folder)).toEqual(config);
  });

  it('in shards, named and listed as on the Hub', async () => {
    const folder = join(root, 'shards');
    // The first three tensors together take 416 bytes, the output layer 960.
    await saveCheckpoint(folder, { config, tensors }, { maxShardBytes: 500 });
    const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    expect(readdirSync(folder).sort()).toEqual(['config.json', ...names, 'model.safetensors.index.json']);
    expectEqual(await contents(folder), TENSORS);
    const index = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8')) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    expect(index.metadata.total_size).toBe([...TENSORS.values()].reduce((sum, { data }) => sum + data.byteLength, 0));
    expect(index.weight_map['lm_head.weight']).toBe(names[1]);
    expect(Object.keys(index.weight_map).sort()).toEqual([...TENSORS.keys()].sort());
  });

  it.each(['float16', 'bfloat16'] as const)('in %s, as config.json says then', async (dtype) => {
    const folder = join(root, dtype);
    await saveCheckpoint(folder, { config, tensors }, { dtype });
    const converted = [...TENSORS].map(([name, tensor]): [string, HostTensor] => [
      name,
      tensor.dtype === 'int64'
        ? tensor
        : hostTensor(dtype, tensor.shape, convertFloats('float32', dtype, tensor.data as Float32Array)),
    ]);
    expectEqual(await contents(folder), new Map(converted));
    const saved = await configOf(folder);
    expect(saved).toEqual({ model_type: 'llama', torch_dtype: dtype, vision_config: { dtype, width: 3 } });
    // And from there back to float32: the same numbers.
    const { weights, config: between } = await openCheckpoint(folder);
    const back = join(root, `${dtype}-back`);
    await saveCheckpoint(back, { config: between, tensors: weightStreams(weights) }, { dtype: 'float32' });
    await weights.close();
    const widened = converted.map(([name, tensor]): [string, HostTensor] => [
      name,
      tensor.dtype === 'int64'
        ? tensor
        : hostTensor('float32', tensor.shape, convertFloats(dtype, 'float32', tensor.data as Uint16Array)),
    ]);
    expectEqual(await contents(back), new Map(widened));
  });

  it('copies what goes with the weights, and nothing else', async () => {
    const from = join(root, 'companions');
    mkdirSync(from);
    const files = ['tokenizer.json', 'preprocessor_config.json', 'chat_template.jinja', 'merges.txt'];
    for (const name of files) writeFileSync(join(from, name), `of ${name}`);
    for (const name of ['config.json', 'pytorch_model.bin', 'model.safetensors', 'notes.md'])
      writeFileSync(join(from, name), '{}');
    const folder = join(root, 'with-companions');
    await saveCheckpoint(folder, { config, tensors, companionsOf: from, files: { 'merges.txt': 'others' } });
    expect(readdirSync(folder).sort()).toEqual([...files, 'config.json', 'model.safetensors'].sort());
    expect(readFileSync(join(folder, 'chat_template.jinja'), 'utf8')).toBe('of chat_template.jinja');
    expect(readFileSync(join(folder, 'merges.txt'), 'utf8')).toBe('others');
  });

  it('copies no file that a link leads to outside of the folder', async () => {
    const from = join(root, 'with-link');
    mkdirSync(from);
    symlinkSync('/etc/passwd', join(from, 'vocab.txt'));
    const saving = saveCheckpoint(join(root, 'link'), { config, tensors, companionsOf: from });
    await expect(saving).rejects.toThrow(/leads out of its folder/);
    expect(readdirSync(root)).not.toContain('link');
  });

  it('replaces a checkpoint only when told to, shards included', async () => {
    const folder = join(root, 'replaced');
    await saveCheckpoint(folder, { config, tensors }, { maxShardBytes: 500 });
    await expect(saveCheckpoint(folder, { config, tensors })).rejects.toThrow(/holds a model already/);
    await saveCheckpoint(folder, { config, tensors }, { overwrite: true });
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it('leaves the old checkpoint, and nothing else, when it fails or is told to stop', async () => {
    const place = join(root, 'failing');
    mkdirSync(place);
    const folder = join(place, 'model');
    await saveCheckpoint(folder, { config, tensors });
    const shorter = [{ name: 'w', dtype: 'float32' as const, shape: [4], read: () => floats(3) }];
    const failed = saveCheckpoint(folder, { config: {}, tensors: shorter }, { overwrite: true });
    await expect(failed).rejects.toThrow(/was announced as float32\[4\] and came as float32\[3\]/);
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(saveCheckpoint(folder, { config, tensors }, { overwrite: true, signal: stop })).rejects.toThrow(
      'enough',
    );
    expect(readdirSync(place)).toEqual(['model']);
    expectEqual(await contents(folder), TENSORS);
  });

  it.each(['../a.json', 'model.safetensors', 'model.safetensors.index.json', '.hidden', 'a/b'])(
    'refuses a file named %s beside the weights',
    async (name) => {
      const saving = saveCheckpoint(join(root, 'names'), { config, tensors, files: { [name]: '' } });
      await expect(saving).rejects.toThrow(CheckpointError);
    },
  );
});
