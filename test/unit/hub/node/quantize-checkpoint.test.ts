import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../../../src/core/index.ts';
import { dequantizeRows, quantizeRows } from '../../../../src/hub/index.ts';
import {
  openCheckpoint,
  quantizeCheckpoint,
  quantizedFolder,
  readSafetensors,
  saveCheckpoint,
  tensorSources,
  weightStreams,
} from '../../../../src/hub/node/index.ts';
import { temporaryFolder } from './temporary.ts';

const root = temporaryFolder();
const random = new Random(4);
const floats = (...shape: number[]): HostTensor<'float32'> => {
  const tensor = hostTensor('float32', shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = random.normal();
  return tensor;
};
const TENSORS = new Map<string, HostTensor>([
  ['model.embed_tokens.weight', floats(50, 40)],
  ['model.layers.0.self_attn.q_proj.weight', floats(24, 40)],
  ['model.layers.0.self_attn.q_proj.bias', floats(24)],
  ['model.layers.0.mlp.down_proj.weight', floats(40, 72)],
  ['model.norm.weight', floats(40)],
  ['model.vision_model.fc.weight', floats(8, 40)],
  ['lm_head.weight', floats(50, 40)],
]);
const config = { model_type: 'llama' };
const FILES = { 'tokenizer.json': '{"model":1}' };

async function source(name: string, dtype: 'float32' | 'float16' | 'bfloat16' = 'float32'): Promise<string> {
  const folder = join(root, name);
  await saveCheckpoint(folder, { config, tensors: tensorSources(TENSORS), files: FILES }, { dtype });
  return folder;
}

/** Every file of a folder by name. */
function bytesOf(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]));
}

describe('quantizeCheckpoint', () => {
  it.each(['float32', 'float16', 'bfloat16'] as const)('of %s gives what quantizeRows gives', async (dtype) => {
    const from = await source(`from-${dtype}`, dtype);
    const to = join(root, `to-${dtype}`);
    const seen: number[] = [];
    const settings = { modules: { lm_head: 'int8', vision_model: 'bfloat16' }, symmetric: false } as const;
    const report = await quantizeCheckpoint(from, to, settings, { progress: (done) => seen.push(done) });
    const given = await openCheckpoint(from);
    const made = await openCheckpoint(to);
    expect(report.quantized).toBe(3);
    expect(seen.at(-1)).toBe(report.sourceBytes);
    expect(report.bytes).toBe(made.weights.stored.reduce((sum, { byteLength }) => sum + byteLength, 0));
    expect([...made.weights.names].sort()).toEqual([...TENSORS.keys()].sort());
    expect(readFileSync(join(to, 'tokenizer.json'), 'utf8')).toBe(FILES['tokenizer.json']);
    for (const [name, { shape }] of TENSORS) {
      const matrix = made.weights.quantized.get(name);
      const stored = await given.weights.read(name);
      if (matrix === undefined) {
        const found = await made.weights.read(name);
        if (name.includes('vision')) expect(found.dtype).toBe('bfloat16');
        else expect(found).toEqual(stored);
        continue;
      }
      expect(matrix.bits).toBe(name === 'lm_head.weight' ? 8 : 4);
      const values = (await openFloats(from, name)).data;
      const format = { bits: matrix.bits, block: 32, symmetric: false };
      const rows = quantizeRows(values, shape[1]!, format);
      const location = made.weights.location(name);
      expect(location).toMatchObject({ dtype: 'float32', shape, byteLength: rows.packed.length });
      expect((await made.weights.read(`${name}.packed`)).data).toEqual(rows.packed);
      expect((await made.weights.read(`${name}.scales`)).data).toEqual(rows.scales);
      expect((await made.weights.read(`${name}.zero_points`)).data).toEqual(rows.zeroPoints);
      expect((await made.weights.read(name)).data).toEqual(dequantizeRows(rows, shape[1]!, format));
    }
    await given.weights.close();
    await made.weights.close();
  });

  it('makes the same files again, and they survive being saved anew, in shards too', async () => {
    const from = await source('again');
    const [one, two, three] = ['again-1', 'again-2', 'again-3'].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ];
    await quantizeCheckpoint(from, one, { block: 16 }, { maxShardBytes: 2000 });
    await quantizeCheckpoint(from, two, { block: 16 }, { maxShardBytes: 2000 });
    expect(readdirSync(one).filter((name) => name.startsWith('model-')).length).toBeGreaterThan(2);
    expect(bytesOf(two)).toEqual(bytesOf(one));
    const { config: saved, weights } = await openCheckpoint(one);
    // Floating-point numbers may change their type, scales may not.
    const parts = { config: saved, tensors: weightStreams(weights), companionsOf: one };
    await saveCheckpoint(three, parts, { dtype: 'float16' });
    const copy = await openCheckpoint(three);
    for (const name of weights.quantized.keys()) {
      for (const part of ['packed', 'scales'])
        expect(await copy.weights.read(`${name}.${part}`)).toEqual(await weights.read(`${name}.${part}`));
      expect(await copy.weights.read(name)).toEqual(await weights.read(name));
    }
    expect((await copy.weights.read('model.norm.weight')).dtype).toBe('float16');
    await weights.close();
    await copy.weights.close();
  });

  it('says which tensor cannot be quantized, and leaves nothing behind', async () => {
    const place = join(root, 'nan');
    const folder = join(place, 'model');
    mkdirSync(place);
    const bad = floats(24, 40);
    bad.data[40 * 5 + 3] = NaN;
    const tensors = tensorSources(new Map([...TENSORS, ['model.layers.0.self_attn.q_proj.weight', bad]]));
    await saveCheckpoint(folder, { config, tensors });
    const attempt = quantizeCheckpoint(folder, join(place, 'small'));
    await expect(attempt).rejects.toThrow(/tensor model.layers.0.self_attn.q_proj.weight, .*row 5, column 3 holds NaN/);
    expect(readdirSync(place)).toEqual(['model']);
    await quantizeCheckpoint(folder, join(place, 'small'), { modules: { q_proj: 'stored' } });
  });

  it('refuses what is quantized already', async () => {
    const from = await source('twice');
    await quantizeCheckpoint(from, join(root, 'twice-1'));
    await expect(quantizeCheckpoint(join(root, 'twice-1'), join(root, 'twice-2'))).rejects.toThrow(/quantized already/);
  });
});

describe('opening a quantized checkpoint', () => {
  const changes: [string, (section: Record<string, unknown>, weights: Record<string, unknown>) => void, RegExp][] = [
    ['another block size', (section) => (section['block_size'] = 64), /config.json asks for/],
    ['zero points that are not there', (section) => (section['symmetric'] = false), /no tensor named .*zero_points/],
    [
      'another shape',
      (_, weights) => (weights['lm_head.weight'] = { bits: 4, shape: [50, 65] }),
      /config.json asks for/,
    ],
    ['more bits', (_, weights) => (weights['lm_head.weight'] = { bits: 8, shape: [50, 40] }), /config.json asks for/],
    [
      'a weight that is not there',
      (_, weights) => (weights['a.weight'] = { bits: 4, shape: [2, 2] }),
      /no tensor named/,
    ],
    [
      'a weight that is whole',
      (_, weights) => (weights['model.norm.weight'] = { bits: 4, shape: [1, 40] }),
      /twice|no tensor/,
    ],
  ];
  it.each(changes)('refuses %s', async (name, change, message) => {
    const from = await source(`bad ${name}`);
    const to = join(root, `bad ${name} 4`);
    await quantizeCheckpoint(from, to);
    const path = join(to, 'config.json');
    const json = JSON.parse(readFileSync(path, 'utf8')) as {
      quantization_config: { weights: Record<string, unknown> };
    };
    change(json.quantization_config, json.quantization_config.weights);
    writeFileSync(path, JSON.stringify(json));
    await expect(openCheckpoint(to)).rejects.toThrow(message);
  });
});

describe('quantizedFolder', () => {
  const cacheFolder = join(root, 'cache');

  it('makes a copy once, and anew when a file or the settings change', async () => {
    const from = await source('cached');
    const first = await quantizedFolder(from, { default: 'int4' }, { cacheFolder });
    const { mtimeMs } = statSync(first);
    expect(await quantizedFolder(from, {}, { cacheFolder })).toBe(first);
    expect(statSync(first).mtimeMs).toBe(mtimeMs);
    const eight = await quantizedFolder(from, { default: 'int8' }, { cacheFolder });
    expect(eight).not.toBe(first);
    utimesSync(join(from, 'model.safetensors'), new Date(), new Date(1_700_000_000_000));
    const changed = await quantizedFolder(from, {}, { cacheFolder });
    expect(changed).not.toBe(first);
    utimesSync(join(from, 'tokenizer.json'), new Date(), new Date(1_700_000_000_000));
    expect(await quantizedFolder(from, {}, { cacheFolder })).not.toBe(changed);
    expect(readdirSync(cacheFolder)).toHaveLength(4);
  });

  it('lies where caches lie', async () => {
    const from = await source('placed');
    const xdg = join(root, 'xdg');
    const folder = await quantizedFolder(from, {}, { environment: { XDG_CACHE_HOME: xdg } });
    expect(folder.startsWith(join(xdg, 'sensorium', 'quantized'))).toBe(true);
    const home = await quantizedFolder(from, {}, { environment: { HOME: join(root, 'home') } });
    expect(home.startsWith(join(root, 'home', '.cache', 'sensorium', 'quantized'))).toBe(true);
  });

  it('is whole when several ask at once', async () => {
    const from = await source('at once');
    const folders = await Promise.all(
      [1, 2, 3, 4].map(() => quantizedFolder(from, {}, { cacheFolder: join(root, 'c2') })),
    );
    expect(new Set(folders).size).toBe(1);
    await (await openCheckpoint(folders[0]!)).weights.close();
    expect(readdirSync(join(root, 'c2'))).toHaveLength(1);
  });

  it('removes what a process that died has left, and nothing of one that lives', async () => {
    const from = await source('leftovers');
    const cache = join(root, 'c3');
    const [dead, alive] = [`.x.${2 ** 22 + 1}-0123456789ab.tmp`, `.x.${process.pid}-0123456789ab.tmp`];
    for (const name of [dead, alive]) mkdirSync(join(cache, name), { recursive: true });
    await quantizedFolder(from, {}, { cacheFolder: cache });
    expect(readdirSync(cache)).toContain(alive);
    expect(readdirSync(cache)).not.toContain(dead);
  });

  it('leaves a checkpoint that is quantized already as it is', async () => {
    const from = await source('kept');
    await quantizeCheckpoint(from, join(root, 'kept-4'));
    expect(await quantizedFolder(join(root, 'kept-4'), {}, { cacheFolder })).toBe(join(root, 'kept-4'));
  });
});

async function openFloats(folder: string, name: string): Promise<HostTensor<'float32'>> {
  const copy = `${folder}-${name}-floats`;
  const { weights } = await openCheckpoint(folder);
  await saveCheckpoint(copy, { config, tensors: weightStreams(weights) }, { dtype: 'float32' });
  await weights.close();
  return (await readSafetensors(join(copy, 'model.safetensors'))).get(name) as HostTensor<'float32'>;
}
