/** Twins of models of pictures and texts, and what Transformers computes from them: see make/multimodal.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostTensor, type HostTensor } from '../../src/core/index.ts';
import { Decoding, generate, PictureEncoder, type Prompt } from '../../src/generate/index.ts';
import { crossEntropy, input, reshape, slice, type Tensor, trace } from '../../src/graph/index.ts';
import { matchTensors } from '../../src/hub/index.ts';
import { locateWeights, Weights } from '../../src/hub/node/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import type { PreparedPicture } from '../../src/models/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { MULTIMODAL, type MultimodalCase } from './multimodal-cases.ts';

export type Tensors = ReadonlyMap<string, HostTensor>;

export function folderOf(name: string): string {
  return fileURLToPath(new URL(`fixtures/multimodal/${name}`, import.meta.url));
}

export function caseOf(name: string): MultimodalCase {
  const found = MULTIMODAL[name]!(JSON.parse(readFileSync(join(folderOf(name), 'config.json'), 'utf8')));
  // Walking the tree gives the weights their names.
  found.model.parameters();
  return found;
}

/** A twin with what Transformers computes from it. */
export class Fixture {
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
    const values = parts.map((part): Record<string, HostTensor> => ({ ...part.inputs, ...model.arrangement?.(part) }));
    // No prompt of several pictures has them in tiles: the last row of each is used.
    const most = values[0]!['rows'] === undefined ? 0 : 1 + Math.max(...Array.from(values[0]!['rows'].data, Number));
    const joined = Object.fromEntries(
      Object.keys(values[0]!).map((name) => {
        const rows = values.map((value) => value[name]!);
        return [name, stack(name === 'rows' ? rows.map((row, i) => shifted(row, i * most)) : rows)];
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
export function outputsOf(
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

/** Weights by the model's paths, found by a strict account of the file. */
export function weightsOf({ model, rules }: MultimodalCase, files: Tensors): Record<string, HostTensor> {
  const found = [...files].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const { names } = matchTensors(model.parameters(), found, rules, 'model.safetensors');
  return Object.fromEntries([...names].map(([path, name]) => [path, files.get(name)!]));
}

/** What answers. */
export interface Speaker {
  readonly decoding: Decoding;
  readonly encoder: PictureEncoder;
}

export async function openSpeaker(
  runtime: Runtime,
  { model, rules }: MultimodalCase,
  folder: string,
): Promise<Speaker> {
  const weights = await Weights.open(folder);
  try {
    const places = locateWeights(weights, model.parameters(), rules);
    const decoding = await Decoding.create(runtime, model, places);
    return { decoding, encoder: await PictureEncoder.create(runtime, model, places) };
  } finally {
    await weights.close();
  }
}

export function close({ decoding, encoder }: Speaker): void {
  decoding.dispose();
  encoder.dispose();
}

export async function promptOf(fixture: Fixture, { encoder }: Speaker, p: number): Promise<Prompt> {
  const pictures = [];
  for (const k of fixture.numbers(`pictures.${p}`)) pictures.push(await encoder.encode(fixture.picture(k)));
  return { tokens: fixture.numbers(`ids.${p}`), pictures };
}

/** The answers' tokens, row by row. */
export async function answer({ decoding }: Speaker, prompts: readonly Prompt[]): Promise<number[][]> {
  const texts: number[][] = prompts.map(() => []);
  for await (const { row, token } of generate(decoding, prompts, { maxNewTokens: 32 })) texts[row]!.push(token);
  return texts;
}
