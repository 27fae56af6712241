import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointError, hostTensor, type DType } from '../../../../src/core/index.ts';
import { openCheckpoint } from '../../../../src/hub/node/checkpoint.ts';
import { parseGenerationConfig } from '../../../../src/hub/generation-config.ts';
import { encodeSafetensors, tensorBytes } from '../../../../src/hub/safetensors.ts';
import { temporaryFolder } from './temporary.ts';

const root = realpathSync(temporaryFolder());

function shard(name: string, value: number): Uint8Array {
  return encodeSafetensors(new Map([[name, hostTensor('float32', [2], Float32Array.of(value, value + 1))]]));
}

/** Makes a folder with a `config.json` and files. */
function folderWith(path: string, files: Record<string, string | Uint8Array> = {}): string {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  for (const [file, contents] of Object.entries({ 'config.json': '{"model_type":"x"}', ...files }))
    writeFileSync(join(folder, file), contents);
  return folder;
}

async function failure(folder: string): Promise<CheckpointError> {
  const error: unknown = await openCheckpoint(folder).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return error as CheckpointError;
}

describe('places', () => {
  it('point at the very bytes of tensors of every type', async () => {
    const types: DType[] = ['float32', 'float16', 'bfloat16', 'int64', 'int32', 'int8', 'uint8', 'bool'];
    const tensors = new Map(types.map((type, i) => [type, hostTensor(type, [i + 1, 3])] as const));
    for (const [type, { data }] of tensors)
      for (let i = 0; i < data.length; i++)
        data[i] = type === 'int64' ? BigInt(i * 7) : type === 'bool' ? i % 2 : i * 5;
    const folder = folderWith('types', { 'model.safetensors': encodeSafetensors(tensors) });
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.config).toEqual({ model_type: 'x' });
    expect(checkpoint.generationConfig).toBeUndefined();
    expect(checkpoint.tensors.folder).toBe(folder);
    expect([...checkpoint.tensors.places.keys()].sort()).toEqual([...types].sort());
    for (const [name, place] of checkpoint.tensors.places) {
      const bytes = await readFile(join(checkpoint.tensors.folder, place.location));
      const tensor = tensors.get(name as DType)!;
      expect(place).toMatchObject({ dtype: tensor.dtype, shape: tensor.shape });
      expect([...bytes.subarray(place.offset, place.offset + place.length)]).toEqual([...tensorBytes(tensor)]);
    }
    await checkpoint.weights.close();
  });

  it('of shards name the shard', async () => {
    const folder = folderWith('shards', {
      'model-00001-of-00002.safetensors': shard('a', 1),
      'model-00002-of-00002.safetensors': shard('b', 2),
      'model.safetensors.index.json':
        '{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}',
      'generation_config.json': '{"eos_token_id":[1,2],"top_k":5,"something_new":{"x":1}}',
      'chat_template.jinja': 'hello',
    });
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.tensors.places.get('b')).toMatchObject({
      location: 'model-00002-of-00002.safetensors',
      length: 8,
      dtype: 'float32',
      shape: [2],
    });
    expect(checkpoint.generationConfig).toMatchObject({ eosIds: [1, 2], topK: 5, topP: undefined });
    expect(checkpoint.files.chatTemplate).toBe('hello');
    await checkpoint.weights.close();
  });
});

describe('links', () => {
  it('of the download cache are followed into its blobs', async () => {
    const snapshot = folderWith('models--a--b/snapshots/c0ffee');
    mkdirSync(join(root, 'models--a--b/blobs'));
    writeFileSync(join(root, 'models--a--b/blobs/abc'), shard('a', 3));
    symlinkSync('../../blobs/abc', join(snapshot, 'model.safetensors'));
    symlinkSync(snapshot, join(root, 'my-model'));
    const checkpoint = await openCheckpoint(join(root, 'my-model'));
    expect(checkpoint.folder).toBe(snapshot);
    expect(checkpoint.tensors.folder).toBe(join(root, 'models--a--b/blobs'));
    expect(checkpoint.tensors.places.get('a')!.location).toBe('abc');
    await checkpoint.weights.close();
  });

  it('that lead elsewhere are refused', async () => {
    writeFileSync(join(root, 'secret'), shard('a', 3));
    const plain = folderWith('plain');
    symlinkSync('../secret', join(plain, 'model.safetensors'));
    expect((await failure(plain)).message).toMatch(/leads out of its folder/);
    const snapshot = folderWith('models--a--c/snapshots/c0ffee');
    symlinkSync('../../../secret', join(snapshot, 'model.safetensors'));
    expect((await failure(snapshot)).message).toMatch(/leads out of its folder/);
    const other = folderWith('models--a--d/snapshots/c0ffee');
    symlinkSync('../../../models--a--b/blobs/abc', join(other, 'model.safetensors'));
    expect((await failure(other)).message).toMatch(/leads out of its folder/);
    const config = folderWith('linked-config', { 'model.safetensors': shard('a', 1) });
    writeFileSync(join(root, 'secret.json'), '{}');
    symlinkSync(join(root, 'secret.json'), join(config, 'tokenizer.json'));
    expect((await failure(config)).message).toMatch(/leads out of its folder/);
    const dangling = folderWith('dangling', { 'model.safetensors': shard('a', 1) });
    symlinkSync('nowhere', join(dangling, 'tokenizer.json'));
    expect((await failure(dangling)).message).toMatch(/is not there/);
  });
});

const index = (shardName: string): string => JSON.stringify({ weight_map: { a: shardName } });

it.each([
  ['no-config', { 'config.json': '[]' }, /not a JSON object/],
  ['no-weights', {}, /neither/],
  ['absolute', { 'model.safetensors.index.json': index('/etc/x.safetensors') }, /not the name of a shard/],
  ['upwards', { 'model.safetensors.index.json': index('../x.safetensors') }, /not the name of a shard/],
  ['backslash', { 'model.safetensors.index.json': index('..\\x.safetensors') }, /not the name of a shard/],
  [
    'lacking',
    { 'model.safetensors.index.json': index('s.safetensors'), 's.safetensors': shard('b', 1) },
    /no tensor named a/,
  ],
  ['header', { 'model.safetensors': Buffer.from('ffffffffffffff7f00', 'hex') }, /does not fit/],
  ['generation', { 'model.safetensors': shard('a', 1), 'generation_config.json': '{"top_p":"much"}' }, /top_p/],
  ['template', { 'model.safetensors': shard('a', 1), 'chat_template.jinja': Buffer.of(0xff) }, /not UTF-8/],
] as [string, Record<string, string | Uint8Array>, RegExp][])('refuses: %s', async (name, files, message) => {
  expect((await failure(folderWith(`bad-${name}`, files))).message).toMatch(message);
});

it('a generation config keeps only what is said', () => {
  expect(parseGenerationConfig({ eos_token_id: 7, pad_token_id: -1, temperature: null })).toMatchObject({
    eosIds: [7],
    padId: undefined,
    temperature: undefined,
  });
});
