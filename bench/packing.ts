/** What packing is worth in training: conversations that share a picture and a row, beside each in a row of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel, readingModel, type ReadingArchitecture } from '../src/auto/index.ts';
import { openModel } from '../src/auto/node/index.ts';
import { hostTensor, type HostTensor, joinRows, Random } from '../src/core/index.ts';
import { encodeSample, type EncodedSample } from '../src/recipe/conversations/encode.ts';
import { openReader } from '../src/recipe/conversations/node/dataset.ts';
import { openSources, prepareSources, textsOf } from '../src/recipe/conversations/node/sources.ts';
import {
  packSamples,
  type PackOptions,
  type Placement,
  placeSamples,
  sizeOf,
} from '../src/recipe/conversations/pack.ts';
import type { TuningRecipe } from '../src/recipe/index.ts';
import { defaultCacheFolder } from '../src/recipe/node/index.ts';
import { createModelFolder } from '../src/recipe/tuning/node/new-model.ts';
import { imageSizeOf, shapeOf } from '../src/recipe/tuning/shape.ts';
import { createRuntime } from '../src/runtime/node/index.ts';
import { adamW, type ImageTextNetwork, ImageTextTraining, signatureOf, TrainingStep } from '../src/train/index.ts';
import { type BenchOptions, type Figure, median } from './types.ts';
import { starterRecipes } from './workloads/starter-stages.ts';

export const description: string =
  "Training on the starter's scenes: packed rows with shared pictures beside padded ones (--model FOLDER)";

/** What the assistant says is all that packing changes; matching works on pictures, of which packing has fewer. */
const LANGUAGE_ALONE: TuningRecipe['objectives'] = {
  language: 1,
  regions: 0,
  attributes: 0,
  words: 0,
  looking: 0,
  kinds: 0,
  contrastive: 0,
  shown: 0,
  retention: 0,
};
/** Batches of packed rows, taken in turns. */
const BATCHES = 2;
/** Unpacked rows of a step: about as many places for tokens as in 16 packed rows. */
const PLAIN_ROWS = 48;
/** Unpacked rows are padded to a multiple of this, so that few shapes are compiled. */
const STEP = 16;

/** A batch, and how many tokens its conversations have where each is read by itself. */
interface Work {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly tokens: number;
}

/** One set of conversations in both forms. */
interface Pair {
  readonly packed: Work;
  readonly plain: readonly Work[];
}

export async function* run({ rounds, threads, model }: BenchOptions): AsyncGenerator<Figure> {
  const scratch = await mkdtemp(join(tmpdir(), 'sensorium-packing-'));
  const runtime = await createRuntime({ threads });
  try {
    const folder = model ?? join(scratch, 'model');
    if (model === undefined) await freshModel(folder);
    const { recipe } = (await starterRecipes()).at(-1)!;
    const opened = await openModel(folder);
    const architecture = readingModel(createModel(opened.files.config, folder), folder);
    const pairs = await makePairs(recipe, folder, architecture);
    const trainable = new ImageTextTraining(
      architecture.model as ReadingArchitecture['model'] & ImageTextNetwork,
      LANGUAGE_ALONE,
    );
    const step = await TrainingStep.create(
      runtime,
      trainable,
      signatureOf({ ...pairs[0]!.packed, ids: [] }),
      trainable.initialize(new Random(1)),
      { optimizer: adamW(), weightDecay: recipe.optimizer.weightDecay, clip: 1, shapes: 64 },
    );
    let count = 0;
    /** Tokens per second. */
    const rate = async (works: readonly Work[]): Promise<number> => {
      const start = performance.now();
      for (const { tensors } of works) await step.run([tensors], { step: count++, seed: 1, learningRate: 1e-5 });
      return works.reduce((sum, { tokens }) => sum + tokens, 0) / ((performance.now() - start) / 1000);
    };
    try {
      // Once, so that all shapes are compiled.
      for (const { packed, plain } of pairs) await rate([packed, ...plain]);
      const rates: Record<'packed' | 'plain', number[]> = { packed: [], plain: [] };
      for (let round = 0; round < rounds; round++) {
        const { packed, plain } = pairs[round % pairs.length]!;
        // Who goes first changes from round to round.
        if (round % 2 === 0) rates.packed.push(await rate([packed]));
        rates.plain.push(await rate(plain));
        if (round % 2 === 1) rates.packed.push(await rate([packed]));
      }
      const [value, peerValue] = [median(rates.packed), median(rates.plain)];
      yield {
        name: 'packed rows, training',
        value,
        unit: 'tokens/s',
        peer: `padded: ${peerValue.toFixed(0)}`,
        peerValue,
        ratio: value / peerValue,
        note: `tokens as read without packing; ${describe(pairs)}`,
      };
    } finally {
      step.dispose();
    }
  } finally {
    await runtime.dispose();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A model of the starter's sizes with first weights. */
async function freshModel(folder: string): Promise<void> {
  const { model, data } = (await starterRecipes())[0]!.recipe;
  if (model.create === undefined) throw new Error('the first recipe of the starter makes no model');
  await createModelFolder(folder, model.create, await textsOf(data.sources, defaultCacheFolder()), 1);
}

async function makePairs(recipe: TuningRecipe, folder: string, architecture: ReadingArchitecture): Promise<Pair[]> {
  const { data, train } = recipe;
  const imageSize = imageSizeOf(architecture);
  const options = { sources: data.sources, seed: train.seed, imageSize, cacheFolder: defaultCacheFolder() };
  const source = await openSources(options, await prepareSources(options));
  const reader = await openReader(folder);
  const shape = shapeOf({ ...recipe, objectives: LANGUAGE_ALONE }, architecture, undefined);
  const pairs: Pair[] = [];
  try {
    for (let batch = 0; batch < BATCHES; batch++) {
      const encoded: EncodedSample[] = [];
      for (let i = 0; i < train.batch; i++)
        encoded.push(
          await encodeSample(await source.sample(batch * train.batch + i, { seed: train.seed, epoch: 0 }), reader),
        );
      pairs.push(pairOf(encoded, { ...shape, rows: 1 }));
    }
  } finally {
    await source.close?.();
  }
  return pairs;
}

/** A row for each sample as in training, and the very conversations that found room there each in a row with its picture. */
function pairOf(encoded: readonly EncodedSample[], shape: PackOptions): Pair {
  const sizes = encoded.map((sample) => sizeOf(sample, shape.imageToken));
  const placements = sizes.flatMap((size, number) =>
    placeSamples([size], shape, false).map((placed): Placement => ({ ...placed, sample: number, row: number })),
  );
  const alone = placements.flatMap(({ sample, conversations }) =>
    conversations.map((number): EncodedSample => {
      const { id, pictures, conversations: all } = encoded[sample]!;
      return { id, pictures, conversations: [all[number]!] };
    }),
  );
  const packed = packSamples(encoded, sizes, placements, { ...shape, rows: encoded.length });
  const plain: Work[] = [];
  for (let first = 0; first + PLAIN_ROWS <= alone.length; first += PLAIN_ROWS)
    plain.push(padded(alone.slice(first, first + PLAIN_ROWS), shape));
  return { packed: { tensors: { ...packed, ...picturesOf(encoded) }, tokens: tokensOf(alone) }, plain };
}

/** Rows as long as the longest; places for as many learned tokens as there are, so that this side pays for no empty ones. */
function padded(samples: readonly EncodedSample[], options: PackOptions): Work {
  const sizes = samples.map((sample) => sizeOf(sample, options.imageToken));
  const length = roundUp(Math.max(...samples.map(({ conversations }) => conversations[0]!.tokens.length)));
  const placements = samples.map((_, i): Placement => ({ sample: i, row: i, start: 0, conversations: [0] }));
  const learned = roundUp(Math.max(...sizes.map((size) => size.learned[0]!)));
  const batch = packSamples(samples, sizes, placements, { ...options, rows: samples.length, length, learned });
  const used = roundUp(sizes.reduce((sum, size) => sum + size.learned[0]!, 0));
  const { chosen, labels, weights } = batch;
  const tensors = {
    ...batch,
    chosen: hostTensor('int64', [used], chosen.data.slice(0, used)),
    labels: hostTensor('int64', [used], labels.data.slice(0, used)),
    weights: hostTensor('float32', [used], weights.data.slice(0, used)),
    ...picturesOf(samples),
  };
  return { tensors, tokens: tokensOf(samples) };
}

function roundUp(count: number): number {
  return Math.ceil(count / STEP) * STEP;
}

function tokensOf(samples: readonly EncodedSample[]): number {
  return samples.reduce(
    (sum, { conversations }) => sum + conversations.reduce((length, { tokens }) => length + tokens.length, 0),
    0,
  );
}

function picturesOf(samples: readonly EncodedSample[]): { pixel_values: HostTensor } {
  return {
    pixel_values: joinRows(samples.flatMap(({ pictures }) => pictures.map(({ inputs }) => inputs['pixel_values']!))),
  };
}

function describe(pairs: readonly Pair[]): string {
  const works = pairs.flatMap(({ plain }) => plain);
  const lengths = works.map(({ tensors }) => tensors['ids']!.shape[1]!);
  const [rows, length] = pairs[0]!.packed.tensors['ids']!.shape;
  return `${rows} rows of ${length} against ${PLAIN_ROWS} of ${Math.min(...lengths)} to ${Math.max(...lengths)}`;
}
