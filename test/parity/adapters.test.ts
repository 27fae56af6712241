/** Adapters that PEFT saved, beside what PEFT computes with them; and what becomes of them here. See make/adapters.py. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changesOf, type LoadedAdapter } from '../../src/auto/index.ts';
import { readAdapterNumbers } from '../../src/auto/node/adapters.ts';
import { mergeAdapters } from '../../src/auto/node/merge-adapters.ts';
import { openModel, type OpenModel } from '../../src/auto/node/open-model.ts';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostTensor } from '../../src/core/index.ts';
import { Decoding } from '../../src/generate/index.ts';
import { input, type Tensor } from '../../src/graph/index.ts';
import { readAdapter } from '../../src/hub/node/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import { type GeneratingModel, multimodalPositions, type ReadingModel, readsPictures } from '../../src/models/index.ts';
import type { Module, Parameter } from '../../src/nn/index.ts';
import { lower } from '../../src/onnx/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import { runOnce } from '../../src/runtime/run-once.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { attachStored, saveAdapter } from '../../src/train/node/index.ts';
import { nextTokenLoss } from '../tunable.ts';
import { integers } from '../unit/evaluate.ts';
import { distance } from './check-gradients.ts';

const NAMES = ['llama-lora', 'llama-rslora', 'qwen2-dora', 'idefics3-dora', 'llava-lora', 'qwen25vl-lora'];
/** Largest ‖x − x̂‖ / ‖x̂‖ of logits in float32 beside PEFT in float64: blocks of this size round off about 1e-6. */
const CLOSE = 1e-5;
const GRADIENTS = 1e-4;
/**
 * Float32 rounds off more in the picture encoder of this twin, up to 1.01e-4 with AVX-512 products and less with others:
 * every one of its thirty gradients is 2e-5 to 1e-4 away, where a wrong rule would put some far off and others not at all.
 */
const LOOSER: Readonly<Record<string, number>> = { 'qwen25vl-lora': 2e-4 };

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'adapters-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

const fixture = (path: string): string => fileURLToPath(new URL(`fixtures/${path}`, import.meta.url));
const adapterFolder = (name: string): string => fixture(`adapters/${name}`);

/** Folder of the model that an adapter of PEFT's belongs to. */
function baseOf(name: string): string {
  const config = JSON.parse(readFileSync(join(adapterFolder(name), 'adapter_config.json'), 'utf8')) as {
    base_model_name_or_path: string;
  };
  return fixture(config.base_model_name_or_path);
}

interface Twin extends OpenModel {
  readonly model: ReadingModel & Module;
  readonly parameters: ReadonlyMap<string, Parameter>;
}

async function openTwin(folder: string): Promise<Twin> {
  const opened = await openModel(folder);
  const model = opened.architecture.model as unknown as ReadingModel & Module;
  return { ...opened, model, parameters: model.parameters() };
}

type Tensors = ReadonlyMap<string, HostTensor>;

/** What prompt 0 of a twin gives to its model. */
function inputsOf({ model }: Twin, expected: Tensors): Record<string, HostTensor> {
  const ids = Array.from(expected.get('ids.0')!.data as BigInt64Array, Number);
  const batch: Record<string, HostTensor> = { ids: integers([1, ids.length], ids) };
  if (!readsPictures(model)) return batch;
  const k = Number(expected.get('pictures.0')?.data[0] ?? 0);
  const grid = expected.get(`grid.${k}`);
  const [time = 1, height = 0, width = 0] = grid === undefined ? [] : Array.from(grid.data as BigInt64Array, Number);
  const features = ids.filter((id) => id === model.imageToken).length;
  const picture = {
    inputs: { pixel_values: expected.get(`pixels.${k}`)! },
    features,
    ...(grid === undefined ? {} : { grid: [time, height, width] as const }),
  };
  let next = ids.length;
  const places = ids.map((id, t) => (id === model.imageToken ? next++ : t));
  batch['token_places'] = integers([1, ids.length], places);
  if (model.generation.positionAxes === 3) {
    const { positions } = multimodalPositions({
      tokens: ids,
      imageToken: model.imageToken,
      pictures: [[height / 2, width / 2]],
    });
    batch['positions'] = { ...positions, shape: [3, 1, ids.length] };
  }
  return { ...batch, ...(model.pictureValues?.(picture) ?? picture.inputs) };
}

function logitsOf({ model }: Twin, given: Readonly<Record<string, Tensor>>): Tensor {
  if (!readsPictures(model)) return model.read(given['ids']!);
  const features = model.pictureFeatures(given);
  return model.read(given['ids']!, { features, places: given['token_places'], positions: given['positions'] });
}

/** Runs a twin as a whole, its weights lying in their files. */
async function run(
  twin: Twin,
  batch: Readonly<Record<string, HostTensor>>,
  values: Readonly<Record<string, HostTensor>> = {},
  wanted: ReadonlyMap<string, Parameter> = new Map(),
): Promise<Record<string, HostTensor>> {
  const given = Object.fromEntries(
    Object.entries(batch).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  );
  const logits = logitsOf(twin, given);
  const loss = nextTokenLoss(logits, given['ids']!);
  const outputs: Record<string, Tensor> = { logits, loss };
  const tensors = [...wanted.values()].map(({ tensor }) => tensor);
  gradients(loss, tensors).forEach((gradient, i) => (outputs[`gradient.${[...wanted.keys()][i]!}`] = gradient));
  const { folder, places } = twin.weights;
  const source = lower(outputs, { external: (name) => places.get(name) });
  const program = await runtime.compile({ ...source, externalFolder: folder }, { optimization: 'basic' });
  const needed = Object.fromEntries(program.inputs.map(({ name }) => [name, batch[name] ?? values[name]!] as const));
  const results = await runOnce(runtime, program, needed);
  program.dispose();
  return results;
}

/** PEFT's name in a file of one in memory. */
function inFile(name: string): string {
  const plain = name.replace('.default.weight', '.weight');
  return plain.includes('magnitude') ? plain.replace(/\.weight$/, '') : plain;
}

describe.each(NAMES)('%s', (name) => {
  it('gives the logits and gradients of PEFT', async () => {
    const twin = await openTwin(baseOf(name));
    const expected = await readSafetensors(join(adapterFolder(name), 'expected.safetensors'));
    const stored = await readAdapter(adapterFolder(name), twin.parameters, twin.architecture.names);
    const { adapter, values } = attachStored(twin.model, stored);
    const batch = inputsOf(twin, await readSafetensors(join(baseOf(name), 'expected.safetensors')));
    const results = await run(twin, batch, values, adapter.parameters());
    expect(distance(results['logits']!, expected.get('logits')!)).toBeLessThan(CLOSE);
    // Names in the file are those that Transformers has in memory; saving writes them.
    const folder = join(scratch, name);
    await saveAdapter(folder, adapter, values, { names: twin.architecture.names });
    const saved = await readSafetensors(join(folder, 'adapter_model.safetensors'));
    const original = await readSafetensors(join(adapterFolder(name), 'adapter_model.safetensors'));
    expect([...saved.keys()].sort()).toEqual([...original.keys()].sort());
    for (const [key, { data }] of original) expect(saved.get(key)!.data, key).toEqual(data);
    const byOrder = [...adapter.parameters().keys()];
    const largest = Math.max(
      ...[...expected].map(([key, { data }]) => (key.startsWith('gradient.') ? normOf(data) : 0)),
    );
    for (const [path] of adapter.parameters()) {
      // By value: the file may name the layer otherwise than the model does.
      const key = [...original].find(([, { data }]) => same(data, values[path]!.data))![0];
      const right = expected.get(`gradient.${key}`)!;
      const scale = normOf(right.data) > 1e-6 * largest ? 1 : largest;
      expect(distance(results[`gradient.${path}`]!, right, scale), inFile(path)).toBeLessThan(
        LOOSER[name] ?? GRADIENTS,
      );
    }
    expect(byOrder.length).toBe(original.size);
    adapter.detach();
  });

  it('gives the same when it is merged', async () => {
    const expected = await readSafetensors(join(adapterFolder(name), 'expected.safetensors'));
    const folder = join(scratch, `${name}-merged`);
    await mergeAdapters(baseOf(name), [{ folder: adapterFolder(name) }], folder);
    const twin = await openTwin(folder);
    const batch = inputsOf(twin, await readSafetensors(join(baseOf(name), 'expected.safetensors')));
    const { logits } = await run(twin, batch);
    expect(distance(logits!, expected.get('logits')!)).toBeLessThan(CLOSE);
  });
});

describe('adapters of a loaded model', () => {
  const base = fixture('decoders/llama');
  let twin: Twin;
  let decoding: Decoding;
  let loaded: Record<string, LoadedAdapter>;
  let ids: number[];
  beforeAll(async () => {
    twin = await openTwin(base);
    decoding = await Decoding.create(runtime, twin.model as GeneratingModel, twin.weights);
    ids = Array.from((await readSafetensors(join(base, 'expected.safetensors'))).get('ids.0')!.data, Number);
    loaded = {};
    for (const name of ['llama-lora', 'llama-rslora'])
      loaded[name] = await readAdapterNumbers({ ...twin, names: twin.architecture.names }, adapterFolder(name));
  });
  afterAll(() => decoding.dispose());

  const last = async (): Promise<HostTensor> => {
    const state = await decoding.start(1, 32);
    const { shape, data } = await state.read([ids]);
    state.dispose();
    return { dtype: 'float32', shape, data: data.slice() };
  };
  /** The last token's logits of a text. */
  const lastOf = ({ shape, data }: HostTensor): HostTensor => {
    const [, length, vocabulary] = shape as [number, number, number];
    return { dtype: 'float32', shape: [1, vocabulary], data: (data as Float32Array).slice((length - 1) * vocabulary) };
  };
  const rightOf = async (name: string): Promise<HostTensor> =>
    lastOf((await readSafetensors(join(adapterFolder(name), 'expected.safetensors'))).get('logits')!);

  it('are exchanged and taken away', async () => {
    const plain = await last();
    for (const name of ['llama-lora', 'llama-rslora', 'llama-lora']) {
      await decoding.adapt(changesOf([{ adapter: loaded[name]! }]));
      expect(distance(await last(), await rightOf(name)), name).toBeLessThan(CLOSE);
    }
    await decoding.adapt(changesOf([]));
    expect((await last()).data).toEqual(plain.data);
  });

  it('leave answers alone that are under way', async () => {
    const plain = await last();
    const state = await decoding.start(1, 32);
    await state.read([ids.slice(0, -1)]);
    await decoding.adapt(changesOf([{ adapter: loaded['llama-lora']! }]));
    const { data } = await state.read([ids.slice(-1)]);
    expect(distance({ dtype: 'float32', shape: plain.shape, data: data.slice() }, plain)).toBeLessThan(CLOSE);
    state.dispose();
    await decoding.adapt(changesOf([]));
  });

  it('add up, each as strongly as it is told, and do so too when they are merged', async () => {
    const names = [
      ['llama-lora', 0.75],
      ['llama-rslora', -0.5],
    ] as const;
    const folder = join(scratch, 'stacked');
    const folders = names.map(([name, weight]) => ({ folder: adapterFolder(name), weight }));
    await mergeAdapters(base, folders, folder);
    const merged = await openTwin(folder);
    const { logits } = await run(merged, { ids: integers([1, ids.length], ids) });
    await decoding.adapt(changesOf(names.map(([name, weight]) => ({ adapter: loaded[name]!, weight }))));
    expect(distance(await last(), lastOf(logits!))).toBeLessThan(CLOSE);
    await decoding.adapt(changesOf([]));
  });
});

function normOf(data: HostTensor['data']): number {
  return Math.sqrt(Array.from(data as Float32Array, Number).reduce((sum, x) => sum + x * x, 0));
}

function same(a: HostTensor['data'], b: HostTensor['data']): boolean {
  return a.length === b.length && (a as Float32Array).every((x, i) => x === b[i]);
}
