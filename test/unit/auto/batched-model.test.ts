/** The starter behind a batch: what each request gets is what the model answers alone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AdapterLayerNumbers, LoadedAdapter, WeightedAdapter } from '../../../src/auto/adapters.ts';
import { BatchedModel, LanguageModel, type Message } from '../../../src/auto/index.ts';
import { load } from '../../../src/auto/node/index.ts';
import { hostTensor, Random } from '../../../src/core/index.ts';
import { picture, type Picture } from '../../../src/data/index.ts';
import { type BeamTextOptions, jsonSchemaConstraint } from '../../../src/generate/index.ts';
import { openCheckpoint, saveCheckpoint, tensorSources } from '../../../src/hub/node/index.ts';
import { Linear } from '../../../src/nn/index.ts';

const STARTER = fileURLToPath(new URL('../../../starter', import.meta.url));

let model: LanguageModel;
let batched: BatchedModel;
/** The same of the starter's full numbers: rounded to 8 bits, the last digit of an adapter's sum moves what is likely by hundredths. */
let exact: readonly [LanguageModel, BatchedModel];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-exact-'));
  await writeExact(folder);
  [model, batched] = await opened(STARTER);
  exact = await opened(folder);
});
afterAll(async () => {
  for (const each of [batched, model, ...exact.toReversed()]) await each.dispose();
  await rm(folder, { recursive: true });
});

async function opened(name: string): Promise<[LanguageModel, BatchedModel]> {
  const loaded = await load(name, { threads: 1 });
  if (!(loaded instanceof LanguageModel)) throw new Error(loaded.kind);
  return [loaded, await BatchedModel.create(loaded, { rows: 4 })];
}

async function writeExact(into: string): Promise<void> {
  const { config, weights } = await openCheckpoint(STARTER);
  const { quantization_config: _, ...rest } = config;
  await saveCheckpoint(into, { config: rest, tensors: tensorSources(await weights.readAll()), companionsOf: STARTER });
  await weights.close();
}

/** Stripes of a colour. */
function striped(seed: number): Picture {
  const image = picture(112, 112, 3);
  for (let i = 0; i < image.data.length; i++) image.data[i] = i % (seed + 2) === 0 ? 40 * seed : 200;
  return image;
}

function asking(seed: number): Message[] {
  return [
    {
      role: 'user',
      content: [
        { type: 'image', image: striped(seed % 3) },
        { type: 'text', text: `What is in picture ${seed}?` },
      ],
    },
  ];
}

/** @param paths of the layers that it changes */
function adapterOf(name: string, paths: RegExp, random: Random): WeightedAdapter {
  const layers = new Map<string, AdapterLayerNumbers>();
  for (const [path, module] of model.parts.source!.model.modules()) {
    if (!(module instanceof Linear) || !paths.test(path)) continue;
    const [outputs, inputs] = module.weight.shape as [number, number];
    const [a, b] = [hostTensor('float32', [2, inputs]), hostTensor('float32', [outputs, 2])];
    for (const { data } of [a, b]) for (let i = 0; i < data.length; i++) data[i] = random.normal() / 8;
    layers.set(path, { a, b, scaling: 1 });
  }
  expect(layers.size).toBeGreaterThan(0);
  const adapter: LoadedAdapter = { name, layers };
  return { adapter };
}

interface Told {
  readonly text: string;
  readonly tokens: number[];
  readonly pieces: string[];
}

async function told(pieces: ReturnType<LanguageModel['answer']>): Promise<Told> {
  const all: Told = { text: '', tokens: [], pieces: [] };
  for await (const { text, token } of pieces) {
    all.tokens.push(token.token);
    all.pieces.push(text);
  }
  return { ...all, text: all.pieces.join('') };
}

it('answers requests with adapters of their own, of pictures and of words, as the model does with each alone', async () => {
  const random = new Random(4);
  const choices = [
    [],
    [adapterOf('words', /^text_model\.layers/, random)],
    [adapterOf('sight', /^connector/, random)],
    [adapterOf('both', /^(connector\.mlp\.fc2|text_model\.layers\.1)/, random)],
  ];
  const options: BeamTextOptions = { maxNewTokens: 16, stopTokens: [] };
  const [model, batched] = exact;
  const requests = Array.from({ length: 8 }, (_, i) => ({ messages: asking(i), adapters: choices[i % 4]! }));
  const together = await Promise.all(
    requests.map(async ({ messages, adapters }) =>
      told(batched.answer(await batched.prompt(messages, undefined, adapters), options, adapters)),
    ),
  );
  const alone: Told[] = [];
  for (const { messages, adapters } of requests) {
    await model.useAdapters(adapters);
    alone.push(await told(model.answer(await model.prompt(messages), options)));
  }
  await model.useAdapters([]);
  expect(together).toEqual(alone);
  expect(new Set(together.map(({ text }) => text)).size).toBeGreaterThan(3);
});

it('knows a picture and what was said of it in the second turn', async () => {
  const first = asking(50);
  const prompt = await batched.prompt(first);
  const { text } = await told(batched.answer(prompt, { maxNewTokens: 20 }));
  const second = await batched.prompt([
    ...first,
    { role: 'assistant', content: text },
    { role: 'user', content: 'Why?' },
  ]);
  const { known, read } = batched.stats!;
  const answer = await told(batched.answer(second, { maxNewTokens: 8 }));
  const { known: knownAfter, read: readAfter } = batched.stats!;
  expect(knownAfter - known + readAfter - read).toBe(second.tokens.length);
  expect(knownAfter - known).toBeGreaterThanOrEqual(16 * Math.floor((prompt.tokens.length - 1) / 16));
  expect(answer).toEqual(await told(model.answer(second, { maxNewTokens: 8 })));
});

it('answers in a form, up to stop strings, and in beams, beside others', async () => {
  const constraint = jsonSchemaConstraint(
    {
      type: 'object',
      properties: { colour: { enum: ['red', 'blue'] } },
      required: ['colour'],
      additionalProperties: false,
    },
    model.parts.tokenizer.tokenBytes(),
  );
  const cases: BeamTextOptions[] = [
    { maxNewTokens: 40, constraint },
    { maxNewTokens: 30, stop: ['e'] },
    { maxNewTokens: 10, numBeams: 2 },
    { maxNewTokens: 12, temperature: 0.9, seed: 3, stopTokens: [] },
  ];
  const prompt = await batched.prompt(asking(3));
  const together = await Promise.all(cases.map((options) => told(batched.answer(prompt, options))));
  for (const [i, options] of cases.entries()) expect(together[i]).toEqual(await told(model.answer(prompt, options)));
  expect(JSON.parse(together[0]!.text)).toMatchObject({ colour: expect.any(String) as unknown });
});

it('gives each token its own text to whoever fetches late', async () => {
  const prompt = await batched.prompt(asking(5));
  const options: BeamTextOptions = { maxNewTokens: 24, stopTokens: [] };
  const late = batched.answer(prompt, options);
  const first = await late.next();
  // Another answer, which takes as long: by its end all of the first one's tokens were chosen.
  await told(batched.answer(prompt, options));
  const rest = await told(late);
  const alone = await told(model.answer(prompt, options));
  expect([first.value!.text, ...rest.pieces]).toEqual(alone.pieces);
});
