/** Batches of tiny models of several architectures, on each way to the engine, and with adapters of each request's own. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../../../src/auto/node/open-model.ts';
import { hostTensor, Random } from '../../../../src/core/index.ts';
import { ContinuousBatch, Decoding, type LayerChanges, type Prompt } from '../../../../src/generate/index.ts';
import type { GeneratingModel } from '../../../../src/models/index.ts';
import { Linear } from '../../../../src/nn/index.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { expectSameAnswer } from './same-answer.ts';

const NEW_TOKENS = 14;

interface Opened {
  readonly runtime: Runtime;
  readonly model: GeneratingModel;
  readonly decoding: Decoding;
  /** Another program over the same weights, for what is expected. */
  readonly again: () => Promise<Decoding>;
}

async function open(fixture: string, backend: 'c-api' | 'binding' = 'c-api'): Promise<Opened> {
  const folder = fileURLToPath(new URL(`../../../parity/fixtures/${fixture}`, import.meta.url));
  const { architecture, weights } = await openModel(folder);
  if (architecture.kind !== 'generating') throw new Error(architecture.kind);
  const { model } = architecture;
  const runtime = await createRuntime({ threads: 1, backend });
  const again = (): Promise<Decoding> => Decoding.create(runtime, model, weights);
  return { runtime, model, decoding: await again(), again };
}

const turns = (times: number): Promise<void> =>
  times === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(() => resolve(turns(times - 1))));

/** Random tokens, with a picture of random features among them where the model reads pictures. */
function promptOf({ shape, imageToken }: Decoding, random: Random, length: number): Prompt {
  const tokens: number[] = [];
  while (tokens.length < length) {
    const token = random.integer(Math.min(90, shape.vocabularySize));
    if (token !== imageToken) tokens.push(token);
  }
  if (imageToken === undefined) return { tokens };
  const count = Math.min(4, length - 1);
  tokens.fill(imageToken, 1, 1 + count);
  const features = hostTensor('float32', [count, shape.width]);
  for (let i = 0; i < features.data.length; i++) features.data[i] = random.normal();
  const pictures = [{ key: `${random.integer(1e9)}`, features }];
  const axes = shape.positionAxes;
  if (axes === 0) return { tokens, pictures };
  // A picture of two by two places: the axes differ on it, and what follows comes after the greatest.
  const positions = hostTensor('int64', [axes, length]);
  for (let axis = 0; axis < axes; axis++)
    for (let t = 0; t < length; t++) {
      const place = t < 1 ? t : t < 1 + count ? 1 + [0, (t - 1) >> 1, (t - 1) & 1][axis]! : t - count + 2;
      positions.data[axis * length + t] = BigInt(place);
    }
  return { tokens, pictures, positions, nextPosition: length - count + 2 };
}

async function tokensOf(batch: ContinuousBatch, prompt: Prompt, adapter?: LayerChanges): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { token } of batch.generate(prompt, { maxNewTokens: NEW_TOKENS, adapter })) tokens.push(token);
  return tokens;
}

const FIXTURES = [
  'decoders/llama',
  'decoders/llama-scaled',
  'decoders/qwen2',
  'decoders/qwen3',
  'multimodal/idefics3',
  'multimodal/llava_onevision',
  'multimodal/sensorium_vl',
  'qwen25vl',
];

describe.each(FIXTURES)('%s', (fixture) => {
  it('answers requests that join and leave at random as it answers each alone', async () => {
    const { runtime, decoding } = await open(fixture);
    const random = new Random(9);
    const batch = await ContinuousBatch.create(decoding, { rows: 3 });
    const prompts = Array.from({ length: 7 }, (_, i) =>
      promptOf(decoding, random.fork(`prompt ${i}`), 2 + random.integer(20)),
    );
    const answers = await Promise.all(
      prompts.map(async (prompt) => {
        await turns(random.integer(12));
        return await tokensOf(batch, prompt);
      }),
    );
    for (const [i, prompt] of prompts.entries()) await expectSameAnswer(decoding, prompt, answers[i]!);
    // A second time, most of each prompt is known.
    const { known, read } = batch.stats;
    expect(await tokensOf(batch, prompts[0]!)).toEqual(answers[0]);
    const longer = { ...prompts[1]!, tokens: [...prompts[1]!.tokens] };
    expect(await tokensOf(batch, longer)).toEqual(answers[1]);
    const total = prompts[0]!.tokens.length + longer.tokens.length;
    expect(batch.stats.known - known + (batch.stats.read - read)).toBe(total);
    await batch.dispose();
    decoding.dispose();
    await runtime.dispose();
  });
});

it('carries rows where the engine gives no views of them', async () => {
  const { runtime, decoding } = await open('decoders/llama', 'binding');
  expect('allocateRows' in runtime).toBe(false);
  const random = new Random(4);
  const batch = await ContinuousBatch.create(decoding, { rows: 3 });
  const prompts = Array.from({ length: 6 }, () => promptOf(decoding, random, 2 + random.integer(30)));
  const answers = await Promise.all(
    prompts.map(async (prompt, i) => {
      await turns(i % 4);
      return await tokensOf(batch, prompt);
    }),
  );
  for (const [i, prompt] of prompts.entries()) await expectSameAnswer(decoding, prompt, answers[i]!);
  expect(await tokensOf(batch, prompts[5]!)).toEqual(answers[5]);
  await batch.dispose();
  decoding.dispose();
  await runtime.dispose();
});

describe('adapters of each request', () => {
  /** Changes to some of the decoder's layers. @param stretched whether rows of weights are lengthened too */
  function changesOf(
    model: GeneratingModel,
    random: Random,
    rank: number,
    every: number,
    stretched: boolean,
  ): LayerChanges {
    const changes = new Map();
    let index = 0;
    for (const [path, module] of model.modules()) {
      if (!(module instanceof Linear) || !/layers\.\d/.test(path) || /vision/.test(path) || index++ % every !== 0)
        continue;
      const [outputs, inputs] = module.weight.shape as [number, number];
      const noise = (shape: number[], scale: number): ReturnType<typeof hostTensor<'float32'>> => {
        const tensor = hostTensor('float32', shape);
        for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = scale * random.normal();
        return tensor;
      };
      changes.set(path, {
        a: noise([rank, inputs], 1),
        b: noise([outputs, rank], 0.2),
        ...(stretched ? { stretch: noise([outputs], 0.2) } : {}),
      });
    }
    return changes;
  }

  it.each(['decoders/qwen3', 'multimodal/sensorium_vl'])(
    'answer at once over one set of weights: %s',
    async (fixture) => {
      const { runtime, model, decoding, again } = await open(fixture);
      const random = new Random(8);
      const all = [
        undefined,
        changesOf(model, random, 2, 1, false),
        changesOf(model, random, 3, 2, true),
        changesOf(model, random, 1, 3, false),
      ];
      const batch = await ContinuousBatch.create(decoding, { rows: 6 });
      const requests = Array.from({ length: 12 }, (_, i) => ({
        prompt: promptOf(decoding, random, 2 + random.integer(20)),
        adapter: all[i % all.length],
      }));
      // The same text, read by several of them: what one has read is of no use to the others.
      for (const request of requests.slice(4)) request.prompt = requests[0]!.prompt;
      const answers = await Promise.all(
        requests.map(async ({ prompt, adapter }, i) => {
          await turns(i);
          return await tokensOf(batch, prompt, adapter);
        }),
      );
      const told = await again();
      const different = new Set<string>();
      for (const [i, { prompt, adapter }] of requests.entries()) {
        await told.adapt(adapter ?? new Map());
        await expectSameAnswer(told, prompt, answers[i]!);
        if (i >= 4) different.add(answers[i]!.join());
      }
      expect(different.size).toBe(4);
      told.dispose();
      await batch.dispose();
      decoding.dispose();
      await runtime.dispose();
    },
  );

  it('are compiled for once, however many there are', async () => {
    const { runtime, model, decoding } = await open('decoders/llama');
    let compiled = 0;
    const compile = runtime.compile.bind(runtime);
    runtime.compile = (...given) => {
      compiled++;
      return compile(...given);
    };
    const batch = await ContinuousBatch.create(decoding);
    const random = new Random(8);
    const prompt = promptOf(decoding, random, 8);
    const answers = new Set<string>();
    for (let i = 0; i < 20; i++)
      answers.add((await tokensOf(batch, prompt, changesOf(model, random, 2, 1, false))).join());
    expect(answers.size).toBeGreaterThan(15);
    expect(compiled).toBe(1);
    await batch.dispose();
    decoding.dispose();
    await runtime.dispose();
  });

  it('are not put on a model that has some already', async () => {
    const { runtime, decoding, model } = await open('decoders/llama');
    await decoding.adapt(changesOf(model, new Random(1), 1, 1, false));
    await expect(ContinuousBatch.create(decoding)).rejects.toThrow('has adapters on it');
    decoding.dispose();
    await runtime.dispose();
  });

  it('of another model are refused, and nobody else is hurt', async () => {
    const { runtime, decoding, model } = await open('decoders/llama');
    const batch = await ContinuousBatch.create(decoding);
    const prompt = promptOf(decoding, new Random(1), 8);
    const [[path]] = changesOf(model, new Random(1), 1, 1, false) as unknown as [[string]];
    const wrong: LayerChanges = new Map([
      [path, { a: hostTensor('float32', [1, 7]), b: hostTensor('float32', [5, 1]) }],
    ]);
    const good = tokensOf(batch, prompt);
    await expect(tokensOf(batch, prompt, wrong)).rejects.toThrow();
    expect(await good).toHaveLength(NEW_TOKENS);
    expect(await tokensOf(batch, prompt)).toEqual(await good);
    await batch.dispose();
    decoding.dispose();
    await runtime.dispose();
  });
});
