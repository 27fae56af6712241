import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import {
  Decoding,
  generate,
  type GenerateOptions,
  type GeneratedToken,
  PromptCache,
} from '../../src/generate/index.ts';
import { crossEntropy, input, reshape, slice, type Tensor, trace } from '../../src/graph/index.ts';
import { locateWeights, Weights } from '../../src/hub/node/index.ts';
import { encodeSafetensors } from '../../src/hub/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import {
  CausalLM,
  type DecoderConfig,
  decoderNames,
  Llama,
  parseLlamaConfig,
  parseQwen2Config,
  parseQwen3Config,
  Qwen2,
  Qwen3,
} from '../../src/models/index.ts';
import { lower } from '../../src/onnx/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Program, Runtime, Value } from '../../src/runtime/types.ts';
import { distance } from './check-gradients.ts';
import { rounded } from './rounded.ts';

/** Largest ‖x − x̂‖ / ‖x̂‖ beside Transformers, both in float32: two blocks round off about 1e-6. */
const TOLERANCE = 1e-4;
const NUDGE = 0.05;
const NEW_TOKENS = 32;

const DECODERS: Readonly<Record<string, (config: unknown) => CausalLM>> = {
  llama: (config) => new Llama(parseLlamaConfig(config)),
  'llama-scaled': (config) => new Llama(parseLlamaConfig(config)),
  qwen2: (config) => new Qwen2(parseQwen2Config(config)),
  qwen3: (config) => new Qwen3(parseQwen3Config(config)),
};

function folderOf(name: string): string {
  return fileURLToPath(new URL(`fixtures/decoders/${name}`, import.meta.url));
}

function modelOf(name: string): CausalLM {
  const config: unknown = JSON.parse(readFileSync(join(folderOf(name), 'config.json'), 'utf8'));
  const model = DECODERS[name]!(config);
  // Walking the tree gives the weights their names.
  model.parameters();
  return model;
}

/** Outputs of a row of tokens by the names of the fixture. */
function outputsOf(model: CausalLM, ids: Tensor, layers: number): Record<string, Tensor> {
  const { result, taps } = trace(() => {
    const embedded = model.embed(ids);
    const last = model.model.forward(embedded);
    return { embedded, last, logits: model.logits(last) };
  });
  const outputs: Record<string, Tensor> = { 'state.0': result.embedded, logits: result.logits };
  for (let i = 1; i < layers; i++) outputs[`state.${i}`] = taps.get(`model.layers.${i - 1}.state`)!;
  outputs[`state.${layers}`] = result.last;
  const vocabulary = model.model.config.vocabularySize;
  const before = reshape(slice(result.logits, 1, 0, (ids.shape[1] as number) - 1), [-1, vocabulary]);
  outputs['loss'] = crossEntropy(before, reshape(slice(ids, 1, 1, ids.shape[1] as number), [-1]));
  return outputs;
}

/** The answers' tokens, row by row. */
async function answer(
  decoding: Decoding,
  rows: readonly (readonly number[])[],
  options: GenerateOptions = {},
): Promise<number[][]> {
  const texts: number[][] = rows.map(() => []);
  for await (const { row, token } of generate(decoding, rows, { maxNewTokens: NEW_TOKENS, ...options }))
    texts[row]!.push(token);
  return texts;
}

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'decoders-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

async function openDecoding(model: CausalLM, folder: string): Promise<Decoding> {
  const weights = await Weights.open(folder);
  try {
    const rules = decoderNames(model.model.config.tied);
    return await Decoding.create(runtime, model, locateWeights(weights, model.parameters(), rules));
  } finally {
    await weights.close();
  }
}

describe.each(Object.keys(DECODERS))('%s', (name) => {
  let expected: ReadonlyMap<string, HostTensor>;
  let prompts: number[][];
  let answers: number[][];
  beforeAll(async () => {
    expected = await readSafetensors(join(folderOf(name), 'expected.safetensors'));
    const numbers = (key: string): number[] => Array.from(expected.get(key)!.data as BigInt64Array, Number);
    prompts = [numbers('ids.0'), numbers('ids.1')];
    answers = [numbers('tokens.0'), numbers('tokens.1')];
    for (const answer of answers) expect(new Set(answer).size).toBeGreaterThanOrEqual(16);
  });

  it('gives what Transformers gives, and every tensor matters', async () => {
    const model = modelOf(name);
    const config: DecoderConfig = model.model.config;
    // Each length has a graph of its own, as in training.
    const programs: Program[] = [];
    for (const prompt of prompts) {
      const outputs = outputsOf(model, input('ids', 'int64', [1, prompt.length]), config.layers);
      programs.push(await runtime.compile(lower(outputs), { optimization: 'all' }));
    }
    const weights = await readSafetensors(join(folderOf(name), 'model.safetensors'));
    const values: Record<string, Value> = {};
    for (const path of model.parameters().keys()) {
      const tensor = weights.get(path)!;
      values[path] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
    }
    const farthest = async (row: number): Promise<number> => {
      const prompt = expected.get(`ids.${row}`)!;
      const given = await runtime.allocate('int64', prompt.shape, prompt);
      const results = await programs[row]!.run({ ...values, ids: given });
      given.dispose();
      let far = 0;
      for (const [output, value] of Object.entries(results)) {
        const [kind, layer] = output.split('.');
        const key = layer === undefined ? `${kind}.${row}` : `${kind}.${row}.${layer}`;
        far = Math.max(far, distance(await value.read(), expected.get(key)!));
        value.dispose();
      }
      return far;
    };
    const distances = [await farthest(0), await farthest(1)];
    for (const far of distances) expect(far).toBeLessThan(TOLERANCE);
    if (process.env['PARITY_FIGURES'] !== undefined)
      process.stdout.write(`${name}: ${Math.max(...distances).toExponential(1)}\n`);

    const random = new Random(1);
    for (const [path, value] of Object.entries(values)) {
      const tensor = weights.get(path)!;
      const numbers = tensor.data as Float32Array;
      const size = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
      const moved = numbers.map((x) => x + NUDGE * size * random.normal());
      await value.write(hostTensor('float32', tensor.shape, moved));
      expect(await farthest(0), `${path} changes too little`).toBeGreaterThan(5 * TOLERANCE);
      await value.write(tensor);
    }
    for (const value of Object.values(values)) value.dispose();
    for (const program of programs) program.dispose();
  });

  it('generates the same tokens over a cache, alone and in a batch of unequal lengths', async () => {
    const decoding = await openDecoding(modelOf(name), folderOf(name));
    expect(await answer(decoding, [prompts[0]!])).toEqual([answers[0]]);
    expect(await answer(decoding, [prompts[1]!])).toEqual([answers[1]]);
    expect(await answer(decoding, prompts)).toEqual(answers);
    decoding.dispose();
  });

  it('reads a prompt in pieces', async () => {
    const decoding = await openDecoding(modelOf(name), folderOf(name));
    const whole = await decoding.start(1, 40);
    const right = (await whole.read([prompts[0]!])).data.slice();
    const pieces = await decoding.start(1, 40);
    await pieces.read([prompts[0]!.slice(0, 3)]);
    await pieces.read([prompts[0]!.slice(3, 5)]);
    const { data } = await pieces.read([prompts[0]!.slice(5)]);
    const shape = [right.length];
    expect(distance(hostTensor('float32', shape, data), hostTensor('float32', shape, right))).toBeLessThan(TOLERANCE);
    whole.dispose();
    pieces.dispose();
    decoding.dispose();
  });

  it('reads bfloat16 and float16 files as the numbers that they hold', async () => {
    const weights = await readSafetensors(join(folderOf(name), 'model.safetensors'));
    for (const dtype of ['bfloat16', 'float16'] as const) {
      const logits: Float32Array[] = [];
      for (const stored of [dtype, 'float32'] as const) {
        const folder = await mkdtemp(join(scratch, `${name}-`));
        const tensors = new Map([...weights].map(([key, tensor]) => [key, rounded(tensor, dtype, stored)]));
        await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
        const decoding = await openDecoding(modelOf(name), folder);
        const state = await decoding.start(1, 40);
        logits.push((await state.read([prompts[0]!])).data.slice());
        state.dispose();
        decoding.dispose();
      }
      expect(logits[0], dtype).toEqual(logits[1]);
    }
  });
});

describe('generate', () => {
  let decoding: Decoding;
  const prompts = [[5, 17, 2, 60], [44], [9, 9, 31]];
  beforeAll(async () => {
    decoding = await openDecoding(modelOf('llama'), folderOf('llama'));
  });
  afterAll(() => decoding.dispose());

  it('draws with a seed, in a batch as alone', async () => {
    const options = { temperature: 0.8, topP: 0.95, seed: 11 };
    const together = await answer(decoding, prompts, options);
    expect(await answer(decoding, prompts, options)).toEqual(together);
    for (const [row, prompt] of prompts.entries())
      expect(await answer(decoding, [prompt], options)).toEqual([together[row]]);
    expect(await answer(decoding, prompts, { ...options, seed: 12 })).not.toEqual(together);
  });

  it('ends each row at its own stop token, and says why', async () => {
    const whole = await answer(decoding, prompts);
    const stop = whole[0]![5]!;
    const tokens: GeneratedToken[] = [];
    const options = { maxNewTokens: 12, stopTokens: [stop], alternatives: 3 };
    for await (const token of generate(decoding, prompts, options)) tokens.push(token);
    for (const [row, text] of whole.entries()) {
      const mine = tokens.filter((token) => token.row === row);
      const end = text.slice(0, 12).indexOf(stop);
      expect(mine.map(({ token }) => token)).toEqual(text.slice(0, end < 0 ? 12 : end + 1));
      expect(mine.map(({ finish }) => finish).filter(Boolean)).toEqual([end < 0 ? 'length' : 'stop']);
      expect(mine.at(-1)!.finish).toBeDefined();
    }
    for (const { token, logProbability, alternatives } of tokens) {
      expect(alternatives).toHaveLength(3);
      expect(alternatives![0]).toEqual({ token, logProbability });
    }
  });

  it('stops within one token when it is told to, and frees what it held', async () => {
    const before = runtime.memory().values;
    const controller = new AbortController();
    let count = 0;
    const run = async (): Promise<void> => {
      for await (const _ of generate(decoding, [prompts[0]!], { signal: controller.signal }))
        if (++count === 3) controller.abort(new Error('enough'));
    };
    await expect(run()).rejects.toThrow('enough');
    expect(count).toBe(3);
    for await (const _ of generate(decoding, [prompts[0]!])) break;
    expect(runtime.memory().values).toBe(before);
  });

  it('reads only what is new of a conversation', async () => {
    const cache = new PromptCache(decoding);
    const first = (await answer(decoding, [prompts[0]!], { cache }))[0]!;
    expect([first]).toEqual(await answer(decoding, [prompts[0]!]));
    // The second turn begins with the first one and its answer; the third departs from them in the middle.
    const second = [...prompts[0]!, ...first, 12, 40, 7];
    const third = [...second.slice(0, 20), 33, 2];
    for (const prompt of [second, third, third, prompts[2]!])
      expect(await answer(decoding, [prompt], { cache })).toEqual(await answer(decoding, [prompt]));
    const { state, known } = await cache.take([...prompts[2]!, 1, 2], 30);
    // Of the answer before, only the prompt is shared.
    expect([known, state.lengths[0]]).toEqual([3, 3]);
    await expect(cache.take([1], 5)).rejects.toThrow('one answer at a time');
    cache.release(prompts[2]!);
    await expect(answer(decoding, prompts, { cache })).rejects.toThrow('one prompt');
    await expect(answer(decoding, [[1]], { cache, maxNewTokens: 300 })).rejects.toThrow('301 tokens');
    expect(await answer(decoding, [prompts[1]!], { cache })).toEqual(await answer(decoding, [prompts[1]!]));
    cache.dispose();
  });

  it('refuses what the model cannot read', async () => {
    const failure = async (rows: number[][], options: GenerateOptions = {}): Promise<unknown> =>
      answer(decoding, rows, options).catch((error: unknown) => error);
    expect(await failure([])).toMatchObject({ code: 'generation', message: expect.stringContaining('no prompt') });
    expect(await failure([[1], []])).toMatchObject({ message: expect.stringContaining('prompt 1 is empty') });
    expect(await failure([[1, 97]])).toMatchObject({ message: expect.stringContaining('the token 97') });
    expect(await failure([[1]], { maxNewTokens: 0 })).toMatchObject({ code: 'generation' });
    expect(await failure([[1]], { maxNewTokens: 256 })).toMatchObject({
      message: expect.stringContaining('257 tokens'),
    });
  });
});
