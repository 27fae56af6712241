/** BLIP beside Transformers: see make/blip.py. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import { Decoding, generate, type Prompt } from '../../src/generate/index.ts';
import { crossEntropy, input, reshape, slice, type Tensor, trace } from '../../src/graph/index.ts';
import { encodeSafetensors, matchTensors } from '../../src/hub/index.ts';
import { locateWeights, Weights } from '../../src/hub/node/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import {
  BlipForConditionalGeneration,
  BlipForImageTextRetrieval,
  BlipForQuestionAnswering,
  blipNames,
  parseBlipConfig,
} from '../../src/models/index.ts';
import { lower } from '../../src/onnx/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import { runOnce } from '../../src/runtime/run-once.ts';
import type { Program, Runtime, Value } from '../../src/runtime/types.ts';
import { distance } from './check-gradients.ts';
import { rounded } from './rounded.ts';

/** Largest ‖x − x̂‖ / ‖x̂‖ beside Transformers, both in float32: four to six blocks round off about 1e-6. */
const TOLERANCE = 1e-4;
const NUDGE = 0.05;
const NEW_TOKENS = 32;

type Model = BlipForConditionalGeneration | BlipForQuestionAnswering | BlipForImageTextRetrieval;
type Writer = BlipForConditionalGeneration | BlipForQuestionAnswering;
type Tensors = ReadonlyMap<string, HostTensor>;

const HEADS = ['caption', 'vqa', 'itm'] as const;

function folderOf(name: string): string {
  return fileURLToPath(new URL(`fixtures/blip/${name}`, import.meta.url));
}

function modelOf(name: string): Model {
  const config = parseBlipConfig(JSON.parse(readFileSync(join(folderOf(name), 'config.json'), 'utf8')));
  const Head = { caption: BlipForConditionalGeneration, vqa: BlipForQuestionAnswering, itm: BlipForImageTextRetrieval }[
    name as (typeof HEADS)[number]
  ];
  const model = new Head(config);
  // Walking the tree gives the weights their names.
  model.parameters();
  return model;
}

function inputsOf(tensors: Readonly<Record<string, HostTensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  );
}

/** Everything that a model computes on the way, by the names of the fixture. */
function outputsOf(model: Model, given: Readonly<Record<string, HostTensor>>): Record<string, Tensor> {
  const { pixels, ids, question, keep } = inputsOf(given) as Record<string, Tensor> & { pixels: Tensor; ids: Tensor };
  const { result, taps } = trace(() => {
    if (model instanceof BlipForConditionalGeneration) return model.forward(pixels, ids);
    if (model instanceof BlipForQuestionAnswering) return model.forward(pixels, question!, ids);
    return model.forward(pixels, ids, keep);
  });
  const outputs: Record<string, Tensor> = {};
  const states = (name: string, path: string, block: string): void => {
    if (!taps.has(`${path}.embeddings`)) return;
    outputs[`${name}.0`] = taps.get(`${path}.embeddings`)!;
    for (let i = 0; taps.has(`${path}.encoder.${block}.${i}.state`); i++)
      outputs[`${name}.${i + 1}`] = taps.get(`${path}.encoder.${block}.${i}.state`)!;
  };
  states('vision', 'vision_model', 'layers');
  outputs['vision.last'] = taps.get('vision_model.last')!;
  for (const path of ['text_encoder', 'text_decoder.bert']) states(path, path, 'layer');
  for (const [name, tensor] of taps)
    if (name.endsWith('.keys') && name.startsWith('text')) outputs[`keys.${name.slice(0, -'.keys'.length)}`] = tensor;
  if (model instanceof BlipForImageTextRetrieval) {
    outputs['itm'] = result;
    outputs['cosines'] = model.cosines(pixels, ids, keep);
  } else {
    outputs['logits'] = result;
    const length = ids.shape[1] as number;
    const before = reshape(slice(result, 1, 0, length - 1), [-1, result.shape[2]!]);
    outputs['loss'] = crossEntropy(before, reshape(slice(ids, 1, 1, length), [-1]));
  }
  return outputs;
}

/** Weights by the model's paths, found by a strict account of the file. */
function weightsOf(model: Model, files: Tensors): Record<string, HostTensor> {
  const found = [...files].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const { names } = matchTensors(model.parameters(), found, blipNames, 'model.safetensors');
  return Object.fromEntries([...names].map(([path, name]) => [path, files.get(name)!]));
}

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'blip-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

async function expectedOf(name: string): Promise<Tensors> {
  return readSafetensors(join(folderOf(name), 'expected.safetensors'));
}

function given(expected: Tensors): Record<string, HostTensor> {
  const names = ['pixels', 'ids', 'question', 'keep'].filter((name) => expected.has(name));
  return Object.fromEntries(names.map((name) => [name, expected.get(name)!]));
}

async function allocate(tensors: Readonly<Record<string, HostTensor>>): Promise<Record<string, Value>> {
  const values: Record<string, Value> = {};
  for (const [name, tensor] of Object.entries(tensors))
    values[name] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
  return values;
}

describe.each(HEADS)('%s', (name) => {
  it('gives what Transformers gives, and every tensor matters', async () => {
    const model = modelOf(name);
    const expected = await expectedOf(name);
    const weights = weightsOf(model, await readSafetensors(join(folderOf(name), 'model.safetensors')));
    const values = await allocate(weights);
    const inputs = await allocate(given(expected));
    const program = await runtime.compile(lower(outputsOf(model, given(expected))), { optimization: 'all' });
    const right = [...expected.keys()].filter((key) => !/^(pixels|ids|question|keep|prompt|tokens)/.test(key));
    expect(program.outputs.map((each) => each.name).sort()).toEqual(right.sort());
    expect(right.filter((key) => key.startsWith('keys.')).length).toBeGreaterThanOrEqual(4);
    const distances = async (): Promise<Map<string, number>> => {
      const results = await program.run({ ...values, ...inputs });
      const far = new Map<string, number>();
      for (const [output, value] of Object.entries(results)) {
        far.set(output, distance(await value.read(), expected.get(output)!));
        value.dispose();
      }
      return far;
    };
    const first = await distances();
    for (const [output, far] of first) expect(far, output).toBeLessThan(TOLERANCE);
    if (process.env['PARITY_FIGURES'] !== undefined)
      process.stdout.write(`blip ${name}: ${Math.max(...first.values()).toExponential(1)}\n`);

    const random = new Random(1);
    for (const [path, tensor] of Object.entries(weights)) {
      const numbers = tensor.data as Float32Array;
      const size = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
      const moved = numbers.map((x) => x + NUDGE * size * random.normal());
      await values[path]!.write(hostTensor('float32', tensor.shape, moved));
      const farthest = Math.max(...(await distances()).values());
      expect(farthest, `${path} changes too little`).toBeGreaterThan(5 * TOLERANCE);
      await values[path]!.write(tensor);
    }
    for (const value of [...Object.values(values), ...Object.values(inputs)]) value.dispose();
    program.dispose();
  });
});

/** A model that writes, and the program of what its decoder attends to. */
interface Speaker {
  readonly decoding: Decoding;
  readonly cross: Program;
}

async function openSpeaker(model: Writer, folder: string, tensors: Record<string, HostTensor>): Promise<Speaker> {
  const weights = await Weights.open(folder);
  try {
    const located = locateWeights(weights, model.parameters(), blipNames);
    const decoding = await Decoding.create(runtime, model, located);
    const { pixels, question } = inputsOf(tensors) as { pixels: Tensor; question: Tensor };
    const outputs =
      model instanceof BlipForConditionalGeneration ? model.crossInputs(pixels) : model.crossInputs(pixels, question);
    const source = lower(outputs, { external: (key) => located.places.get(key) });
    const cross = await runtime.compile({ ...source, externalFolder: located.folder }, { optimization: 'all' });
    return { decoding, cross };
  } finally {
    await weights.close();
  }
}

describe.each(['caption', 'vqa'] as const)('%s', (name) => {
  let expected: Tensors;
  let rows: { pixels: HostTensor; question?: HostTensor }[];
  let answers: number[][];
  let prompts: number[][];
  const numbers = (key: string): number[] => Array.from(expected.get(key)!.data as BigInt64Array, Number);
  beforeAll(async () => {
    expected = await expectedOf(name);
    prompts = [numbers('prompt.0'), numbers('prompt.1')];
    answers = [numbers('tokens.0'), numbers('tokens.1')];
    rows = [0, 1].map((row) => {
      const one = Object.fromEntries(
        ['pixels', 'question'].flatMap((key) => (expected.has(key) ? [[key, rowOf(expected.get(key)!, row)]] : [])),
      );
      return one as { pixels: HostTensor; question?: HostTensor };
    });
  });

  async function promptsOf({ cross }: Speaker): Promise<Prompt[]> {
    const list: Prompt[] = [];
    for (const [row, tensors] of rows.entries())
      list.push({ tokens: prompts[row]!, context: await runOnce(runtime, cross, { ...tensors }) });
    return list;
  }

  async function answer({ decoding }: Speaker, given: readonly Prompt[]): Promise<number[][]> {
    const texts: number[][] = given.map(() => []);
    for await (const { row, token } of generate(decoding, given, { maxNewTokens: NEW_TOKENS })) texts[row]!.push(token);
    return texts;
  }

  it('writes the same tokens over a cache, alone and two pictures together', async () => {
    for (const tokens of answers) expect(new Set(tokens).size).toBeGreaterThanOrEqual(16);
    const speaker = await openSpeaker(modelOf(name) as Writer, folderOf(name), { ...rows[0]! });
    const prompted = await promptsOf(speaker);
    for (const [row, prompt] of prompted.entries()) expect(await answer(speaker, [prompt])).toEqual([answers[row]]);
    expect(await answer(speaker, prompted)).toEqual(answers);
    // The picture matters: with another's states the answer is another.
    expect(await answer(speaker, [{ ...prompted[0]!, context: prompted[1]!.context! }])).not.toEqual([answers[0]]);
    speaker.decoding.dispose();
    speaker.cross.dispose();
  });

  it('writes the same tokens without a cache', async () => {
    const model = modelOf(name) as Writer;
    const values = await allocate(weightsOf(model, await readSafetensors(join(folderOf(name), 'model.safetensors'))));
    for (const [row, tensors] of rows.entries()) {
      const ids = [...prompts[row]!, ...answers[row]!.slice(0, -1)];
      const all = { ...tensors, ids: hostTensor('int64', [1, ids.length], BigInt64Array.from(ids, BigInt)) };
      const { logits } = outputsOf(model, all);
      const program = await runtime.compile(lower({ logits: logits! }), { optimization: 'all' });
      const inputs = await allocate(all);
      const results = await program.run({ ...values, ...inputs });
      const { shape, data } = await results['logits']!.read();
      const likeliest = answers[row]!.map((_, i) => {
        const from = (prompts[row]!.length - 1 + i) * shape[2]!;
        const scores = (data as Float32Array).subarray(from, from + shape[2]!);
        return scores.indexOf(Math.max(...scores));
      });
      expect(likeliest).toEqual(answers[row]);
      for (const value of [...Object.values(inputs), ...Object.values(results)]) value.dispose();
      program.dispose();
    }
    for (const value of Object.values(values)) value.dispose();
  });

  it('reads bfloat16 files as the numbers that they hold', async () => {
    const files = await readSafetensors(join(folderOf(name), 'model.safetensors'));
    const logits: Float32Array[] = [];
    for (const stored of ['bfloat16', 'float32'] as const) {
      const folder = await mkdtemp(join(scratch, `${name}-`));
      const tensors = new Map([...files].map(([key, tensor]) => [key, rounded(tensor, 'bfloat16', stored)]));
      await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
      const speaker = await openSpeaker(modelOf(name) as Writer, folder, { ...rows[0]! });
      const [prompt] = await promptsOf(speaker);
      const state = await speaker.decoding.start(1, 40, [prompt!.context!]);
      logits.push((await state.read([prompt!.tokens])).data.slice());
      state.dispose();
      speaker.decoding.dispose();
      speaker.cross.dispose();
    }
    expect(logits[0]).toEqual(logits[1]);
  });
});

/** @returns [1, …] */
function rowOf({ dtype, shape, data }: HostTensor, row: number): HostTensor {
  const size = data.length / shape[0]!;
  return hostTensor(dtype, [1, ...shape.slice(1)], data.slice(row * size, (row + 1) * size) as never);
}
