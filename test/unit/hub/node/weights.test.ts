import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CheckpointError, hostTensor } from '../../../../src/core/index.ts';
import { encodeSafetensors } from '../../../../src/hub/safetensors.ts';
import { Weights } from '../../../../src/hub/node/weights.ts';
import { temporaryFolder } from './temporary.ts';

const root = temporaryFolder();

function shard(name: string, value: number): Uint8Array {
  return encodeSafetensors(new Map([[name, hostTensor('float32', [1], Float32Array.of(value))]]));
}

function folderWith(name: string, files: Record<string, string | Uint8Array>): string {
  mkdirSync(join(root, name));
  for (const [file, contents] of Object.entries(files)) writeFileSync(join(root, name, file), contents);
  return join(root, name);
}

it('opens one file', async () => {
  const folder = folderWith('single', { 'model.safetensors': shard('a', 1) });
  const weights = await Weights.open(folder);
  expect(weights.names).toEqual(['a']);
  expect((await weights.read('a')).data[0]).toBe(1);
  await expect(weights.read('b')).rejects.toThrow(CheckpointError);
  await weights.close();
});

it('opens shards', async () => {
  const folder = folderWith('sharded', {
    'model-1.safetensors': shard('a', 1),
    'model-2.safetensors': shard('b', 2),
    'model.safetensors.index.json': JSON.stringify({
      metadata: {},
      weight_map: { b: 'model-2.safetensors', a: 'model-1.safetensors' },
    }),
  });
  const weights = await Weights.open(folder);
  const values = [...(await weights.readAll())].map(([name, tensor]) => [name, tensor.data[0]]);
  expect(values).toEqual([
    ['b', 2],
    ['a', 1],
  ]);
  expect(weights.location('b').path).toMatch(/model-2.safetensors$/);
  await weights.close();
});

it('gives real paths where the folder holds links, as download caches do', async () => {
  const blobs = folderWith('blobs', { abc: shard('a', 3) });
  const folder = folderWith('linked', {});
  symlinkSync(join(blobs, 'abc'), join(folder, 'model.safetensors'));
  const weights = await Weights.open(folder);
  expect(weights.location('a').path).toMatch(/blobs.abc$/);
  expect(weights.location('a')).toMatchObject({ dtype: 'float32', shape: [1], byteLength: 4 });
  await weights.close();
});

it.each([
  ['nothing there', {}, /neither/],
  ['an index that is not JSON', { 'model.safetensors.index.json': '{' }, /not JSON/],
  [
    'an index that leads out',
    { 'model.safetensors.index.json': '{"weight_map":{"a":"../x.safetensors"}}' },
    /not the name/,
  ],
  ['an absent shard', { 'model.safetensors.index.json': '{"weight_map":{"a":"x.safetensors"}}' }, /is not there/],
  [
    'a shard without the tensor',
    { 'model.safetensors.index.json': '{"weight_map":{"a":"x.safetensors"}}', 'x.safetensors': shard('b', 1) },
    /no tensor named a/,
  ],
] as const)('refuses: %s', async (name, files, message) => {
  const error: unknown = await Weights.open(folderWith(name, files)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message).toMatch(message);
});
