import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openModel } from '../src/auto/node/index.ts';
import { hostTensor, Random } from '../src/core/index.ts';
import { ContinuousBatch, Decoding, PictureEncoder, type Prompt } from '../src/generate/index.ts';
import { quantizeCheckpoint } from '../src/hub/node/index.ts';
import {
  type ImageTextModel,
  type PreparedPicture,
  readsPictures,
  SensoriumVL,
  stemPatches,
} from '../src/models/index.ts';
import { createRuntime } from '../src/runtime/node/index.ts';
import type { Runtime } from '../src/runtime/types.ts';
import { type BenchOptions, type Figure, median } from './types.ts';
import { VISION, writeRandomCheckpoint } from './workloads/smolvlm.ts';

export const description =
  'Requests at once beside one at a time, the second turn about a picture, and waits beside long prompts';

/** Requests at once, and tokens of each answer. */
const AT_ONCE = 3;
const NEW_TOKENS = 6;
/** Tokens of a question, and of the answer before the second one. */
const QUESTION = 24;
const ANSWER = 4;
/** A prompt that takes long to read, and how many come beside {@link WRITERS} answers. */
const LONG = 60;
const LONG_PROMPTS = 1;
const WRITERS = 2;
/** Rows of features that SmolVLM makes of a tile. */
const TILE_FEATURES = 64;

/** A model under measurement. */
interface Subject {
  readonly name: string;
  readonly decoding: Decoding;
  readonly encoder: PictureEncoder;
  /** [tiles, 3, side, side] */
  readonly pixels: readonly number[];
  /** Rows of features of a picture. */
  readonly features: number;
  /** Most rounds: answers of some models take long. */
  readonly rounds: number;
}

export async function* run({ threads, rounds, tiles = 1 }: BenchOptions): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'sensorium-serve-'));
  const runtime = await createRuntime({ threads });
  try {
    yield* measure(await openStarter(runtime, rounds));
    await writeRandomCheckpoint(join(folder, 'fp32'));
    await quantizeCheckpoint(join(folder, 'fp32'), join(folder, 'int8'), { default: 'int8' });
    yield* measure(await openSmolVlm(runtime, join(folder, 'int8'), tiles, Math.min(rounds, 3)));
  } finally {
    await runtime.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function openStarter(runtime: Runtime, rounds: number): Promise<Subject> {
  const opened = await openSeeing(runtime, fileURLToPath(new URL('../starter', import.meta.url)));
  if (!(opened.model instanceof SensoriumVL)) throw new Error('the starter is of another architecture');
  const { vision, scale } = opened.model.config;
  const pixels = [1, 3, vision.imageSize, vision.imageSize];
  return { ...opened, name: 'starter', pixels, features: (stemPatches(vision) / scale) ** 2, rounds };
}

async function openSmolVlm(runtime: Runtime, folder: string, tiles: number, rounds: number): Promise<Subject> {
  const pixels = [tiles, 3, VISION.imageSize, VISION.imageSize];
  const name = `SmolVLM-256M's shape, int8, ${tiles} tile${tiles === 1 ? '' : 's'}`;
  return { ...(await openSeeing(runtime, folder)), name, pixels, features: tiles * TILE_FEATURES, rounds };
}

async function openSeeing(
  runtime: Runtime,
  folder: string,
): Promise<Pick<Subject, 'decoding' | 'encoder'> & { model: ImageTextModel }> {
  const { architecture, weights } = await openModel(folder);
  if (architecture.kind !== 'generating' || !readsPictures(architecture.model)) throw new Error(architecture.kind);
  const { model } = architecture;
  return {
    model,
    decoding: await Decoding.create(runtime, model, weights),
    encoder: await PictureEncoder.create(runtime, model, weights),
  };
}

async function* measure(subject: Subject): AsyncGenerator<Figure> {
  yield await throughput(subject);
  yield await secondTurn(subject);
  yield await waits(subject);
  subject.decoding.dispose();
  subject.encoder.dispose();
}

/** New questions about pictures that were seen before: tokens a second of many at once, beside one at a time. */
async function throughput(subject: Subject): Promise<Figure> {
  const batch = await ContinuousBatch.create(subject.decoding, { rows: AT_ONCE });
  const questions = new Questions(subject);
  const ask = async (picture: number): Promise<number> => {
    const prompt = await questions.about(picture);
    return (await answered(batch, prompt, NEW_TOKENS)).tokens.length;
  };
  const all = Array.from({ length: AT_ONCE }, (_, i) => i);
  await Promise.all(all.map((picture) => ask(picture)));
  const rates: Record<'alone' | 'together', number[]> = { alone: [], together: [] };
  for (let round = 0; round < subject.rounds; round++) {
    rates.alone.push(await perSecond(async () => (await ask(round % AT_ONCE)) + (await ask((round + 1) % AT_ONCE))));
    rates.together.push(
      await perSecond(async () => (await Promise.all(all.map((picture) => ask(picture)))).reduce((a, b) => a + b, 0)),
    );
  }
  await batch.dispose();
  const [value, peerValue] = [median(rates.together), median(rates.alone)];
  return {
    name: `${AT_ONCE} at once, ${subject.name}`,
    value,
    unit: 'tokens/s',
    peer: 'one at a time',
    peerValue,
    ratio: value / peerValue,
  };
}

/** From a question to the first token of its answer: the second about a picture, beside the first. */
async function secondTurn(subject: Subject): Promise<Figure> {
  const batch = await ContinuousBatch.create(subject.decoding);
  const questions = new Questions(subject);
  const times: Record<'first' | 'second', number[]> = { first: [], second: [] };
  for (let round = 0; round <= subject.rounds; round++) {
    let start = performance.now();
    const prompt = await questions.about(1000 + round);
    const first = await answered(batch, prompt, ANSWER, start);
    start = performance.now();
    const next = await questions.about(1000 + round, [...prompt.tokens, ...first.tokens]);
    const second = await answered(batch, next, ANSWER, start);
    // The first round warms up.
    if (round === 0) continue;
    times.first.push(first.times[0]!);
    times.second.push(second.times[0]!);
  }
  await batch.dispose();
  const [value, peerValue] = [median(times.second), median(times.first)];
  return {
    name: `first token, second turn, ${subject.name}`,
    value,
    unit: 'ms',
    peer: 'first turn',
    peerValue,
    ratio: peerValue / value,
  };
}

/** How long answers wait for their next token while long prompts are read beside them. */
async function waits(subject: Subject): Promise<Figure> {
  const batch = await ContinuousBatch.create(subject.decoding);
  const questions = new Questions(subject);
  const between: number[] = [];
  let reading = true;
  const writers = Array.from({ length: WRITERS }, async (_, i) => {
    while (reading) {
      const { times } = await answered(batch, await questions.about(i), NEW_TOKENS);
      for (let token = 1; token < times.length; token++) between.push(times[token]! - times[token - 1]!);
    }
  });
  for (let i = 0; i < LONG_PROMPTS; i++) await answered(batch, { tokens: questions.text(LONG) }, 8);
  reading = false;
  await Promise.all(writers);
  await batch.dispose();
  between.sort((a, b) => a - b);
  const at = (share: number): number => between[Math.floor(share * (between.length - 1))]!;
  return {
    name: `p99 between tokens, ${subject.name}`,
    value: at(0.99),
    unit: 'ms',
    peer: `median beside prompts of ${LONG}`,
    peerValue: at(0.5),
    // How many medians the 99th of a hundred waits.
    ratio: at(0.99) / at(0.5),
    note: 'here the ratio is better where it is smaller',
  };
}

/** Asks about pictures: always in new words. */
class Questions {
  readonly #subject: Subject;
  readonly #random = new Random(3);

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** @param before what was said already; a beginning with the picture unless told */
  async about(picture: number, before?: readonly number[]): Promise<Prompt> {
    const { decoding, encoder, features, pixels } = this.#subject;
    const encoded = await encoder.encode(preparedOf(pixels, features, picture));
    const image = Array.from({ length: features }, () => decoding.imageToken!);
    const tokens = [...(before ?? [7, 8, 9, ...image]), ...this.text(QUESTION)];
    return { tokens, pictures: [encoded] };
  }

  text(length: number): number[] {
    const { vocabularySize, imageToken } = this.#subject.decoding;
    const tokens: number[] = [];
    while (tokens.length < length) {
      const token = this.#random.integer(vocabularySize);
      if (token !== imageToken) tokens.push(token);
    }
    return tokens;
  }
}

interface Answered {
  readonly tokens: number[];
  /** Milliseconds from the beginning to each token. */
  readonly times: number[];
}

async function answered(
  batch: ContinuousBatch,
  prompt: Prompt,
  maxNewTokens: number,
  start: number = performance.now(),
): Promise<Answered> {
  const [tokens, times]: [number[], number[]] = [[], []];
  for await (const { token } of batch.generate(prompt, { maxNewTokens })) {
    tokens.push(token);
    times.push(performance.now() - start);
  }
  return { tokens, times };
}

async function perSecond(work: () => Promise<number>): Promise<number> {
  const start = performance.now();
  const amount = await work();
  return amount / ((performance.now() - start) / 1000);
}

function preparedOf(shape: readonly number[], features: number, seed: number): PreparedPicture {
  const pixels = hostTensor('float32', shape);
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = (((i + seed) * 7919) % 65_536) / 32_768 - 1;
  return { inputs: { pixel_values: pixels }, features, imageSize: [shape[2]!, shape[3]!] };
}
