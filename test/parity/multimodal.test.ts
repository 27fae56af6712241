import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import { Decoding, generate, PictureEncoder, type Prompt } from '../../src/generate/index.ts';
import { crossEntropy, input, reshape, slice, type Tensor, trace } from '../../src/graph/index.ts';
import { locateWeights, Weights } from '../../src/hub/node/index.ts';
import { encodeSafetensors, matchTensors } from '../../src/hub/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import type { PreparedPicture } from '../../src/models/index.ts';
import { lower } from '../../src/onnx/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Program, Runtime, Value } from '../../src/runtime/types.ts';
import { distance } from './check-gradients.ts';
import { MULTIMODAL, type MultimodalCase } from './multimodal-cases.ts';
import { rounded } from './rounded.ts';

/** Largest ‖x − x̂‖ / ‖x̂‖ beside Transformers, both in float32: four blocks round off about 1e-6. */
const TOLERANCE = 1e-4;
/** How far a tensor is moved, relative to its size, to see that it matters. */
const NUDGE = 0.05;

type Tensors = ReadonlyMap<string, HostTensor>;

function folderOf(name: string): string {
  return fileURLToPath(new URL(`fixtures/multimodal/${name}`, import.meta.url));
}

function caseOf(name: string): MultimodalCase {
  const found = MULTIMODAL[name]!(JSON.parse(readFileSync(join(folderOf(name), 'config.json'), 'utf8')));
  // Walking the tree gives the weights their names.
  found.model.parameters();
  return found;
}

/** A twin with what Transformers computes from it. */
class Fixture {
  readonly expected: Tensors;
  readonly #case: MultimodalCase;

  constructor(expected: Tensors, model: MultimodalCase) {
    this.expected = expected;
    this.#case = model;
  }

  static async load(name: string): Promise<Fixture> {
    return new Fixture(await readSafetensors(join(folderOf(name), 'expected.safetensors')), caseOf(name));
  }

  /** Numbers of the prompts. */
  get prompts(): number[] {
    return [...this.expected.keys()].flatMap((key) => (key.startsWith('ids.') ? [Number(key.slice(4))] : []));
  }

  numbers(key: string): number[] {
    return Array.from(this.expected.get(key)!.data as BigInt64Array, Number);
  }

  picture(k: number): PreparedPicture {
    const imageSize = this.expected.has(`size.${k}`) ? (this.numbers(`size.${k}`) as [number, number]) : undefined;
    return {
      inputs: { pixel_values: this.expected.get(`pixels.${k}`)! },
      features: this.expected.get(`features.${k}`)!.shape[0]!,
      ...(imageSize === undefined ? {} : { imageSize }),
    };
  }

  /** Inputs of the whole model for a text with the pictures of a prompt. */
  inputs(ids: readonly number[], p: number): Record<string, HostTensor> {
    const { model } = this.#case;
    const parts = this.numbers(`pictures.${p}`).map((k) => this.picture(k));
    const values = parts.map((part) => model.pictureValues?.(part) ?? part.inputs);
    // Rows of one picture's table; no prompt of several pictures has them in tiles, so that the first picture's will do.
    const patches = values[0]!['rows'] === undefined ? 0 : Math.max(...Array.from(values[0]!['rows'].data, Number));
    const joined = Object.fromEntries(
      Object.keys(values[0]!).map((name) => {
        const rows = values.map((value) => value[name]!);
        return [name, stack(name === 'rows' ? rows.map((row, i) => shifted(row, i * patches)) : rows)];
      }),
    );
    let next = 0;
    const places = ids.map((id, t) => (id === model.imageToken ? ids.length + next++ : t));
    return { ...joined, ids: integers(ids), places: integers(places) };
  }

  /** What all outputs of {@link outputsOf} should be. */
  rightOf(p: number): Record<string, HostTensor> {
    const pictures = this.numbers(`pictures.${p}`);
    const right: Record<string, HostTensor> = {};
    const first = `vision.${pictures[0]!}.`;
    for (const key of this.expected.keys()) {
      if (key.startsWith(first)) {
        const layer = key.slice(first.length);
        right[`vision.${layer}`] = stack(pictures.map((k) => this.expected.get(`vision.${k}.${layer}`)!));
      } else if (key.startsWith(`state.${p}.`)) {
        right[`state.${key.slice(`state.${p}.`.length)}`] = this.expected.get(key)!;
      }
    }
    if (pictures[0] === 0)
      for (const key of this.expected.keys()) if (key.startsWith('keys.')) right[key] = this.expected.get(key)!;
    right['features'] = stack(pictures.map((k) => this.expected.get(`features.${k}`)!));
    right['logits'] = this.expected.get(`logits.${p}`)!;
    right['loss'] = this.expected.get(`loss.${p}`)!;
    return right;
  }
}

/** One under another. */
function stack(parts: readonly HostTensor[]): HostTensor {
  const [, ...rest] = parts[0]!.shape;
  const joined = hostTensor(parts[0]!.dtype, [parts.reduce((sum, { shape }) => sum + shape[0]!, 0), ...rest]);
  let at = 0;
  for (const { data } of parts) {
    joined.data.set(data as never, at);
    at += data.length;
  }
  return joined;
}

function integers(numbers: readonly number[]): HostTensor {
  return hostTensor('int64', [1, numbers.length], BigInt64Array.from(numbers, BigInt));
}

/** Rows of a table in which other patches come first; the new line stays in row 0. */
function shifted({ shape, data }: HostTensor, by: number): HostTensor {
  const moved = (data as BigInt64Array).map((row) => (row === 0n ? row : row + BigInt(by)));
  return hostTensor('int64', shape, moved);
}

/** Everything that a model computes on the way, by the names of the fixture. */
function outputsOf(
  { model, vision, text }: MultimodalCase,
  given: Readonly<Record<string, HostTensor>>,
): Record<string, Tensor> {
  const inputs = Object.fromEntries(
    Object.entries(given).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  );
  const { result: logits, taps } = trace(() => model.forward(inputs, inputs['ids']!, inputs['places']!));
  const length = logits.shape[1] as number;
  const labels = input('labels', 'int64', [1, length]);
  const before = reshape(slice(logits, 1, 0, length - 1), [-1, logits.shape[2]!]);
  const loss = crossEntropy(before, reshape(slice(labels, 1, 1, length), [-1]));
  const outputs: Record<string, Tensor> = { logits, loss, features: taps.get('features')! };
  outputs['vision.0'] = taps.get(`${vision}.embeddings`)!;
  for (let i = 0; taps.has(`${vision}.encoder.layers.${i}.state`); i++)
    outputs[`vision.${i + 1}`] = taps.get(`${vision}.encoder.layers.${i}.state`)!;
  for (let i = 0; taps.has(`${vision}.encoder.layers.${i}.self_attn.keys`); i++)
    outputs[`keys.${i}`] = taps.get(`${vision}.encoder.layers.${i}.self_attn.keys`)!;
  const states = [taps.get('embeddings')!];
  for (let i = 0; taps.has(`${text}.layers.${i}.state`); i++) states.push(taps.get(`${text}.layers.${i}.state`)!);
  // Transformers gives the last state behind the norm.
  states[states.length - 1] = taps.get('states')!;
  states.forEach((state, i) => (outputs[`state.${i}`] = state));
  return outputs;
}

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'multimodal-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

async function allocate(tensors: Readonly<Record<string, HostTensor>>): Promise<Record<string, Value>> {
  const values: Record<string, Value> = {};
  for (const [name, tensor] of Object.entries(tensors))
    values[name] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
  return values;
}

async function readAll(values: Readonly<Record<string, Value>>): Promise<Record<string, HostTensor>> {
  const read: Record<string, HostTensor> = {};
  for (const [name, value] of Object.entries(values)) {
    read[name] = await value.read();
    value.dispose();
  }
  return read;
}

/** Weights by the model's paths, found by a strict account of the file. */
function weightsOf({ model, rules }: MultimodalCase, files: Tensors): Record<string, HostTensor> {
  const found = [...files].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const { names } = matchTensors(model.parameters(), found, rules, 'model.safetensors');
  return Object.fromEntries([...names].map(([path, name]) => [path, files.get(name)!]));
}

/** What answers. */
interface Speaker {
  readonly decoding: Decoding;
  readonly encoder: PictureEncoder;
}

async function openSpeaker({ model, rules }: MultimodalCase, folder: string): Promise<Speaker> {
  const weights = await Weights.open(folder);
  try {
    const places = locateWeights(weights, model.parameters(), rules);
    const decoding = await Decoding.create(runtime, model, places);
    return { decoding, encoder: await PictureEncoder.create(runtime, model, places) };
  } finally {
    await weights.close();
  }
}

function close({ decoding, encoder }: Speaker): void {
  decoding.dispose();
  encoder.dispose();
}

async function promptOf(fixture: Fixture, { encoder }: Speaker, p: number): Promise<Prompt> {
  const pictures = [];
  for (const k of fixture.numbers(`pictures.${p}`)) pictures.push(await encoder.encode(fixture.picture(k)));
  return { tokens: fixture.numbers(`ids.${p}`), pictures };
}

/** The answers' tokens, row by row. */
async function answer({ decoding }: Speaker, prompts: readonly Prompt[]): Promise<number[][]> {
  const texts: number[][] = prompts.map(() => []);
  for await (const { row, token } of generate(decoding, prompts, { maxNewTokens: 32 })) texts[row]!.push(token);
  return texts;
}

describe.each(Object.keys(MULTIMODAL))('%s', (name) => {
  let fixture: Fixture;
  let files: Tensors;
  beforeAll(async () => {
    fixture = await Fixture.load(name);
    files = await readSafetensors(join(folderOf(name), 'model.safetensors'));
  });

  it('gives what Transformers gives, and every tensor matters', async () => {
    const twin = caseOf(name);
    const weights = weightsOf(twin, files);
    const values = await allocate(weights);
    let far = 0;
    const programs: { program: Program; given: Record<string, Value>; right: Record<string, HostTensor> }[] = [];
    for (const p of fixture.prompts) {
      // Each length has a graph of its own, as in training.
      const given = fixture.inputs(fixture.numbers(`ids.${p}`), p);
      const program = await runtime.compile(lower(outputsOf(twin, given)), { optimization: 'all' });
      const labels = fixture.expected.get(`labels.${p}`)!;
      programs.push({ program, given: await allocate({ ...given, labels }), right: fixture.rightOf(p) });
    }
    const distances = async (p: number): Promise<Map<string, number>> => {
      const { program, given, right } = programs[p]!;
      const inputs = { ...values, ...given };
      const results = await readAll(
        await program.run(Object.fromEntries(program.inputs.map((each) => [each.name, inputs[each.name]!]))),
      );
      return new Map(Object.entries(right).map(([output, tensor]) => [output, distance(results[output]!, tensor)]));
    };
    for (const p of fixture.prompts) {
      const outputs = programs[p]!.program.outputs.map((each) => each.name).filter((each) => !each.startsWith('keys.'));
      expect(Object.keys(programs[p]!.right)).toEqual(expect.arrayContaining(outputs));
      for (const [output, value] of await distances(p)) {
        expect(value, `${output} of prompt ${p}`).toBeLessThan(TOLERANCE);
        far = Math.max(far, value);
      }
    }
    if (process.env['PARITY_FIGURES'] !== undefined) process.stdout.write(`${name}: ${far.toExponential(1)}\n`);

    const random = new Random(1);
    const used = Object.keys(weights).filter((path) => !twin.unused?.test(path));
    // Blocks that are not used are computed here only because they are looked at.
    const asked = lower({ logits: outputsOf(twin, fixture.inputs(fixture.numbers('ids.0'), 0))['logits']! }).inputs;
    expect(
      asked
        .map((each) => each.name)
        .filter((path) => path in weights)
        .sort(),
    ).toEqual(used.sort());
    for (const path of used) {
      const tensor = weights[path]!;
      const numbers = tensor.data as Float32Array;
      const size = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
      const moved = numbers.map((x) => x + NUDGE * size * random.normal());
      await values[path]!.write(hostTensor('float32', tensor.shape, moved));
      const farthest = Math.max(...(await distances(0)).values());
      expect(farthest, `${path} changes too little`).toBeGreaterThan(5 * TOLERANCE);
      await values[path]!.write(tensor);
    }
    for (const { program, given } of programs) {
      program.dispose();
      for (const value of Object.values(given)) value.dispose();
    }
    for (const value of Object.values(values)) value.dispose();
  });

  it('generates the same tokens over a cache, alone and in a batch of unequal lengths', async () => {
    const speaker = await openSpeaker(caseOf(name), folderOf(name));
    const prompts: Prompt[] = [];
    for (const p of fixture.prompts) prompts.push(await promptOf(fixture, speaker, p));
    const answers = fixture.prompts.map((p) => fixture.numbers(`tokens.${p}`));
    for (const text of answers) expect(new Set(text).size).toBeGreaterThanOrEqual(16);
    for (const [p, prompt] of prompts.entries()) expect(await answer(speaker, [prompt])).toEqual([answers[p]]);
    expect(new Set(prompts.map(({ tokens }) => tokens.length)).size).toBeGreaterThan(1);
    expect(await answer(speaker, prompts)).toEqual(answers);
    close(speaker);
  });

  it('generates the same tokens without a cache', async () => {
    const twin = caseOf(name);
    const values = await allocate(weightsOf(twin, files));
    for (const p of fixture.prompts) {
      // Where each token of the answer is the likeliest after all before it, so it is one by one.
      const [prompt, text] = [fixture.numbers(`ids.${p}`), fixture.numbers(`tokens.${p}`)];
      const given = fixture.inputs([...prompt, ...text.slice(0, -1)], p);
      const { logits } = outputsOf(twin, given);
      const program = await runtime.compile(lower({ logits: logits! }), { optimization: 'all' });
      const inputs = { ...values, ...(await allocate(given)) };
      const results = await readAll(
        await program.run(Object.fromEntries(program.inputs.map((each) => [each.name, inputs[each.name]!]))),
      );
      const { shape, data } = results['logits']!;
      const vocabulary = shape[2]!;
      const likeliest = text.map((_, i) => {
        const from = (prompt.length - 1 + i) * vocabulary;
        const row = (data as Float32Array).subarray(from, from + vocabulary);
        return row.indexOf(Math.max(...row));
      });
      expect(likeliest).toEqual(text);
      program.dispose();
    }
    for (const value of Object.values(values)) value.dispose();
  });

  it('reads bfloat16 and float16 files as the numbers that they hold', async () => {
    for (const dtype of ['bfloat16', 'float16'] as const) {
      const logits: Float32Array[] = [];
      for (const stored of [dtype, 'float32'] as const) {
        const folder = await mkdtemp(join(scratch, `${name}-`));
        const tensors = new Map([...files].map(([key, tensor]) => [key, rounded(tensor, dtype, stored)]));
        await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
        const speaker = await openSpeaker(caseOf(name), folder);
        const { tokens, pictures } = await promptOf(fixture, speaker, 0);
        const state = await speaker.decoding.start(1, tokens.length);
        logits.push((await state.read([{ tokens, features: pictures![0]!.features }])).data.slice());
        state.dispose();
        close(speaker);
      }
      expect(logits[0], dtype).toEqual(logits[1]);
    }
  });
});
