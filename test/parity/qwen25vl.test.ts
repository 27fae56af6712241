import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import { Decoding, generate, type GenerateOptions, PictureEncoder, type Prompt } from '../../src/generate/index.ts';
import { concat, constant, crossEntropy, input, reshape, slice, type Tensor, trace } from '../../src/graph/index.ts';
import { encodeSafetensors } from '../../src/hub/index.ts';
import { locateWeights, Weights } from '../../src/hub/node/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import {
  multimodalPositions,
  parseQwen25VLConfig,
  type PreparedPicture,
  Qwen25VL,
  qwen25VLNames,
} from '../../src/models/index.ts';
import { lower } from '../../src/onnx/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Program, Runtime, Value } from '../../src/runtime/types.ts';
import { integers } from '../unit/evaluate.ts';
import { distance } from './check-gradients.ts';

/** Largest ‖x − x̂‖ / ‖x̂‖ beside Transformers, both in float32: blocks of this size round off about 1e-6. */
const TOLERANCE = 1e-4;
const NUDGE = 0.05;
const NEW_TOKENS = 32;
const PROMPTS = [0, 1, 2, 3];
const PICTURES = [0, 1, 2];

const folder = fileURLToPath(new URL('fixtures/qwen25vl', import.meta.url));

let runtime: Runtime;
let scratch: string;
let expected: ReadonlyMap<string, HostTensor>;
let weights: ReadonlyMap<string, HostTensor>;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'qwen25vl-'));
  expected = await readSafetensors(join(folder, 'expected.safetensors'));
  weights = await readSafetensors(join(folder, 'model.safetensors'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

function createModel(): Qwen25VL {
  const model = new Qwen25VL(parseQwen25VLConfig(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))));
  // Walking the tree gives the weights their names.
  model.parameters();
  return model;
}

function numbers(key: string): number[] {
  return Array.from(expected.get(key)!.data as BigInt64Array, Number);
}

function pictureOf(index: number): PreparedPicture {
  const [time, height, width] = numbers(`grid.${index}`) as [number, number, number];
  return {
    inputs: { pixel_values: expected.get(`pixels.${index}`)! },
    features: (height * width) / 4,
    grid: [time, height, width],
  };
}

/** Rows and columns of features of a picture. */
function featuresOf([, height, width]: readonly number[]): [number, number] {
  return [height! / 2, width! / 2];
}

function positionsOf(
  ids: readonly number[],
  grids: readonly (readonly number[])[],
): { positions: HostTensor<'int64'>; nextPosition: number } {
  return multimodalPositions({ tokens: ids, imageToken: createModel().imageToken, pictures: grids.map(featuresOf) });
}

function promptPositions(row: number): { positions: HostTensor<'int64'>; nextPosition: number } {
  const used = numbers(`used.${row}`);
  return positionsOf(
    numbers(`ids.${row}`),
    used.map((picture) => numbers(`grid.${picture}`)),
  );
}

/** Outputs of a prompt by the names of the fixture, its pictures' towers included. */
function outputsOf(model: Qwen25VL, row: number): Record<string, Tensor> {
  const ids = numbers(`ids.${row}`);
  const { width, vocabularySize, layers } = model.model.config;
  const outputs: Record<string, Tensor> = {};
  const features: Tensor[] = [];
  for (const picture of numbers(`used.${row}`)) {
    const { result, taps } = trace(() => {
      const values = Object.entries(model.pictureValues(pictureOf(picture)));
      const given = Object.fromEntries(values.map(([name, value]) => [name, constant(value)]));
      return model.pictureFeatures(given as ReturnType<Qwen25VL['pictureInputs']>);
    });
    features.push(result);
    outputs[`features.${picture}`] = result;
    for (let layer = 0; layer < model.config.vision.layers; layer++)
      outputs[`vision.${picture}.${layer}`] = taps.get(`visual.blocks.${layer}.state`)!;
  }
  let next = ids.length;
  const places = ids.map((id, i) => (id === model.imageToken ? next++ : i));
  const { positions } = promptPositions(row);
  const { result: logits, taps } = trace(() =>
    model.forward(
      features.length === 0 ? constant(hostTensor('float32', [1, width])) : concat(features, 0),
      input('ids', 'int64', [1, ids.length]),
      constant(integers([1, ids.length], places)),
      constant(hostTensor('int64', [3, 1, ids.length], positions.data)),
    ),
  );
  const shown = (name: string): string => `${name}.${row}`;
  outputs[`${shown('state')}.0`] = taps.get('embeddings')!;
  for (let layer = 1; layer < layers; layer++)
    outputs[`${shown('state')}.${layer}`] = taps.get(`model.layers.${layer - 1}.state`)!;
  outputs[`${shown('state')}.${layers}`] = taps.get('states')!;
  outputs[shown('logits')] = logits;
  const before = reshape(slice(logits, 1, 0, ids.length - 1), [-1, vocabularySize]);
  // Nobody learns to say image tokens.
  const labels = ids.slice(1).map((id) => (id === model.imageToken ? -100 : id));
  outputs[shown('loss')] = crossEntropy(before, constant(integers([labels.length], labels)));
  return outputs;
}

interface Opened {
  readonly model: Qwen25VL;
  readonly decoding: Decoding;
  readonly encoder: PictureEncoder;
  close(): void;
}

async function open(from = folder): Promise<Opened> {
  const model = createModel();
  const files = await Weights.open(from);
  try {
    const located = locateWeights(files, model.parameters(), qwen25VLNames(model.config.text.tied));
    const decoding = await Decoding.create(runtime, model, located);
    const encoder = await PictureEncoder.create(runtime, model, located);
    const close = (): void => {
      decoding.dispose();
      encoder.dispose();
    };
    return { model, decoding, encoder, close };
  } finally {
    await files.close();
  }
}

async function promptOf({ encoder }: Opened, row: number): Promise<Prompt> {
  const pictures = [];
  for (const picture of numbers(`used.${row}`)) pictures.push(await encoder.encode(pictureOf(picture)));
  return { tokens: numbers(`ids.${row}`), pictures, ...promptPositions(row) };
}

async function answer(
  decoding: Decoding,
  prompts: readonly Prompt[],
  options: GenerateOptions = {},
): Promise<number[][]> {
  const texts: number[][] = prompts.map(() => []);
  for await (const { row, token } of generate(decoding, prompts, { maxNewTokens: NEW_TOKENS, ...options }))
    texts[row]!.push(token);
  return texts;
}

describe('Qwen2.5-VL', () => {
  it('gives what Transformers gives, and every tensor matters', async () => {
    const model = createModel();
    const programs: Program[] = [];
    for (const row of PROMPTS)
      programs.push(await runtime.compile(lower(outputsOf(model, row)), { optimization: 'all' }));
    const values: Record<string, Value> = {};
    for (const path of model.parameters().keys()) {
      const tensor = weights.get(path)!;
      values[path] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
    }
    const farthest = async (row: number): Promise<number> => {
      const ids = numbers(`ids.${row}`);
      const given = await runtime.allocate('int64', [1, ids.length], integers([1, ids.length], ids));
      const program = programs[row]!;
      const needed = program.inputs.map(({ name }) => [name, name === 'ids' ? given : values[name]!]);
      const results = await program.run(Object.fromEntries(needed) as Record<string, Value>);
      given.dispose();
      let far = 0;
      for (const [output, value] of Object.entries(results)) {
        far = Math.max(far, distance(await value.read(), expected.get(output)!));
        value.dispose();
      }
      return far;
    };
    const distances: number[] = [];
    for (const row of PROMPTS) distances.push(await farthest(row));
    for (const far of distances) expect(far).toBeLessThan(TOLERANCE);
    if (process.env['PARITY_FIGURES'] !== undefined)
      process.stdout.write(`qwen25vl: ${Math.max(...distances).toExponential(1)}\n`);

    const random = new Random(1);
    let least = Infinity;
    for (const [path, value] of Object.entries(values)) {
      const tensor = weights.get(path)!;
      const before = tensor.data as Float32Array;
      const size = Math.sqrt(before.reduce((sum, x) => sum + x * x, 0) / before.length);
      await value.write(
        hostTensor(
          'float32',
          tensor.shape,
          before.map((x) => x + NUDGE * size * random.normal()),
        ),
      );
      const far = await farthest(0);
      expect(far, `${path} changes too little`).toBeGreaterThan(5 * TOLERANCE);
      least = Math.min(least, far);
      await value.write(tensor);
    }
    if (process.env['PARITY_FIGURES'] !== undefined)
      process.stdout.write(`qwen25vl: least effect of a tensor ${least.toExponential(1)}\n`);
    for (const value of Object.values(values)) value.dispose();
    for (const program of programs) program.dispose();
  });

  it('encodes pictures of any size by one program', async () => {
    const opened = await open();
    for (const picture of PICTURES) {
      const { features } = await opened.encoder.encode(pictureOf(picture));
      expect(distance(features, expected.get(`features.${picture}`)!)).toBeLessThan(TOLERANCE);
    }
    opened.close();
  });

  it('tells pictures of one content on different grids apart', async () => {
    const opened = await open();
    const grey = hostTensor('float32', [24, 24], new Float32Array(24 * 24).fill(0.3));
    const on = async (height: number, width: number): Promise<Float32Array> =>
      (await opened.encoder.encode({ inputs: { pixel_values: grey }, features: 6, grid: [1, height, width] })).features
        .data;
    expect(await on(4, 6)).not.toEqual(await on(6, 4));
    await expect(on(4, 4)).rejects.toThrow('1 × 4 × 4 patches came with 24');
    opened.close();
  });

  it('generates the same tokens over a cache, alone and in a batch of unequal lengths', async () => {
    const opened = await open();
    const prompts: Prompt[] = [];
    for (const row of PROMPTS) prompts.push(await promptOf(opened, row));
    const answers = PROMPTS.map((row) => numbers(`tokens.${row}`));
    for (const right of answers) expect(new Set(right).size).toBeGreaterThanOrEqual(16);
    for (const row of PROMPTS) expect(await answer(opened.decoding, [prompts[row]!])).toEqual([answers[row]]);
    expect(await answer(opened.decoding, prompts)).toEqual(answers);
    opened.close();
  });

  it('gives the logits of the fixture over a cache', async () => {
    const opened = await open();
    for (const row of PROMPTS) {
      const { tokens, pictures = [], positions } = await promptOf(opened, row);
      const rows = pictures.flatMap(({ features }) => Array.from(features.data as Float32Array));
      const features = hostTensor('float32', [rows.length / 48, 48], Float32Array.from(rows));
      const state = await opened.decoding.start(1, 64);
      const { data } = await state.read([{ tokens, features, ...(positions === undefined ? {} : { positions }) }]);
      const all = expected.get(`logits.${row}`)!.data as Float32Array;
      const last = hostTensor('float32', [data.length], all.subarray(all.length - data.length));
      expect(distance(hostTensor('float32', [data.length], data), last)).toBeLessThan(TOLERANCE);
      state.dispose();
    }
    opened.close();
  });

  it('reads bfloat16 files as the numbers that they hold, under the older and the newer names', async () => {
    const answers: unknown[] = [];
    for (const stored of ['bfloat16', 'float32'] as const) {
      const place = await mkdtemp(join(scratch, `${stored}-`));
      const named = [...weights].map(([key, tensor]): [string, HostTensor] => {
        const name = key.replace(/^visual\./, 'model.visual.').replace(/^model\.(?!visual)/, 'model.language_model.');
        return [stored === 'bfloat16' ? name : key, rounded(tensor, stored)];
      });
      await writeFile(join(place, 'model.safetensors'), encodeSafetensors(new Map(named)));
      const opened = await open(place);
      const prompt = await promptOf(opened, 1);
      const state = await opened.decoding.start(1, 64);
      const { features } = prompt.pictures![0]!;
      answers.push([features.data, await answer(opened.decoding, [prompt])]);
      state.dispose();
      opened.close();
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  it.each([0, 1, 2, 3])('gives the positions of layout %i', (layout) => {
    const grids = expected.get(`layout.${layout}.grids`)!;
    const all = numbers(`layout.${layout}.grids`);
    const list = Array.from({ length: grids.shape[0]! }, (_, i) => all.slice(3 * i, 3 * i + 3));
    const { positions, nextPosition } = positionsOf(numbers(`layout.${layout}.ids`), list);
    const right = expected.get(`layout.${layout}.positions`)!;
    expect(positions.shape).toEqual(right.shape);
    expect(positions.data).toEqual(right.data);
    expect(nextPosition).toBe(numbers(`layout.${layout}.next`)[0]);
  });
});

/** A float32 tensor rounded towards zero to bfloat16, and stored so or as float32 again. */
function rounded(tensor: HostTensor, stored: 'bfloat16' | 'float32'): HostTensor {
  const kept = new Uint32Array(Float32Array.from(tensor.data as Float32Array).buffer).map((word) => word & 0xffff_0000);
  if (stored === 'float32') return hostTensor('float32', tensor.shape, new Float32Array(kept.buffer));
  return hostTensor(
    'bfloat16',
    tensor.shape,
    Uint16Array.from(kept, (word) => word >>> 16),
  );
}
