import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CheckpointError, hostTensor } from '../../../../src/core/index.ts';
import { parseConfig } from '../../../../src/hub/parse.ts';
import { openModelFolder, writeModelFolder } from '../../../../src/hub/node/model-folder.ts';
import { tensorSources } from '../../../../src/hub/node/safetensors-file.ts';
import { temporaryFolder } from './temporary.ts';

const root = temporaryFolder();
const tensors = tensorSources([['w', hostTensor('float32', [2], Float32Array.of(1, 2))]]);

describe('writing and opening', () => {
  it('gives everything back', async () => {
    const path = join(root, 'a', 'model');
    mkdirSync(join(root, 'a'));
    await writeModelFolder(path, { config: { width: 8 }, tokenizer: { vocab: ['ü'] } }, tensors);
    const model = await openModelFolder(path);
    expect(model.config).toEqual({ width: 8 });
    expect(model.tokenizer).toEqual({ vocab: ['ü'] });
    expect(model.preprocessor).toBeUndefined();
    expect([...(await model.weights.read('w')).data]).toEqual([1, 2]);
    await model.weights.close();
    expect(readdirSync(join(root, 'a'))).toEqual(['model']);
  });

  it('replaces a model only when told to, and never other files', async () => {
    const path = join(root, 'b');
    await writeModelFolder(path, { config: { version: 1 } }, tensors);
    await expect(writeModelFolder(path, { config: { version: 2 } }, tensors)).rejects.toThrow(/holds a model already/);
    await writeModelFolder(path, { config: { version: 2 } }, tensors, { overwrite: true });
    const model = await openModelFolder(path);
    await model.weights.close();
    expect(model.config).toEqual({ version: 2 });
    writeFileSync(join(path, 'notes.txt'), 'mine');
    await expect(writeModelFolder(path, { config: {} }, tensors, { overwrite: true })).rejects.toThrow(/notes.txt/);
    expect(readdirSync(path)).toContain('notes.txt');
  });

  it('leaves the old model, and nothing else, when writing fails', async () => {
    const place = join(root, 'c');
    mkdirSync(place);
    await writeModelFolder(join(place, 'model'), { config: { version: 1 } }, tensors);
    const failing = [{ name: 'w', dtype: 'int8', shape: [1], read: () => Promise.reject(new Error('gone')) }] as const;
    const attempt = writeModelFolder(join(place, 'model'), { config: {} }, failing, { overwrite: true });
    await expect(attempt).rejects.toThrow('gone');
    expect(readdirSync(place)).toEqual(['model']);
    const model = await openModelFolder(join(place, 'model'));
    expect(model.config).toEqual({ version: 1 });
    await model.weights.close();
  });
});

describe('folders that cannot be used', () => {
  const cases: [string, string | Uint8Array | undefined, RegExp][] = [
    ['no config', undefined, /no config.json/],
    ['an empty config', '', /not JSON/],
    ['a config that is a list', '[]', /not a JSON object/],
    ['a config that is not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), /not UTF-8/],
    ['a config nested too deep', '{"a":'.repeat(1e5), /nested more than/],
    ['a config that is too long', ' '.repeat(5 * 1024 * 1024), /at most/],
    ['no weights', '{}', /neither model.safetensors/],
  ];
  it.each(cases)('%s', async (name, config, message) => {
    const path = join(root, name);
    mkdirSync(path);
    if (config !== undefined) writeFileSync(join(path, 'config.json'), config);
    const error: unknown = await openModelFolder(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toMatch(message);
  });

  it('absent, or a file', async () => {
    await expect(openModelFolder(join(root, 'nowhere'))).rejects.toThrow(CheckpointError);
    writeFileSync(join(root, 'file'), '');
    await expect(openModelFolder(join(root, 'file'))).rejects.toThrow(/is not a folder/);
  });
});

it('a config is checked by its schema, and the message names file and key', () => {
  const schema = z.object({ vision: z.object({ width: z.number() }) });
  expect(parseConfig(schema, { vision: { width: 4 } }, 'config.json')).toEqual({ vision: { width: 4 } });
  expect(() => parseConfig(schema, { vision: { width: 'x' } }, 'config.json')).toThrow(/config.json: vision.width: /);
});
