import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostTensor, Random } from '../../../../src/core/index.ts';
import { input, type Tensor } from '../../../../src/graph/index.ts';
import { branchMask } from '../../../../src/nn/index.ts';
import { ConversationDataset } from '../../../../src/recipe/conversations/dataset.ts';
import { encodeSample, type EncodedSample } from '../../../../src/recipe/conversations/encode.ts';
import {
  packSamples,
  type Placement,
  placeSamples,
  planRows,
  sizeOf,
} from '../../../../src/recipe/conversations/pack.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { tokenLosses } from '../../../../src/train/index.ts';
import { evaluate } from '../../evaluate.ts';
import { config, model, reader, sample, tokenizer, joined } from './tiny.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

const FIRST = sample(1, [
  ['what is this?', 'a red apple'],
  ['how many cats are there?', '三只猫'],
  ['where is the dog?', '<loc01><loc02><loc30><loc63>'],
]);
const SECOND = sample(2, [
  ['what is this?', 'a dog'],
  ['这是什么？', '猫'],
]);

/** Loss of each learned token, by what is said. */
async function losses(
  samples: readonly EncodedSample[],
  placements: readonly Placement[],
  rows: number,
): Promise<number[]> {
  const sizes = samples.map((each) => sizeOf(each, config.imageToken));
  const shape = { rows, length: 96, learned: 48, evenness: 0, imageToken: config.imageToken, padToken: 0 };
  const packed = packSamples(samples, sizes, placements, shape) as unknown as Record<string, HostTensor>;
  const pixels = samples.flatMap(({ pictures }) =>
    pictures.map(({ inputs }) => inputs['pixel_values'] as HostTensor<'float32'>),
  );
  const joined: HostTensor = {
    dtype: 'float32',
    shape: [pixels.length, 3, 16, 16],
    data: Float32Array.from(pixels.flatMap(({ data }) => [...data])),
  };
  const given: Record<string, HostTensor> = { ...packed, pixel_values: joined };
  const symbols: Record<string, Tensor> = Object.fromEntries(
    Object.entries(given).map(([name, { dtype, shape: s }]) => [name, input(name, dtype, s)]),
  );
  const network = model();
  const weights = network.initialize(new Random(7));
  const logits = network.read(symbols['ids']!, {
    features: network.pictureFeatures(symbols),
    places: symbols['places'],
    positions: symbols['positions'],
    mask: branchMask(symbols['samples']!, symbols['branches']!),
    chosen: symbols['chosen']!,
  });
  const { result } = await evaluate(
    runtime,
    { result: tokenLosses(logits, symbols['labels']!) },
    { ...given, ...weights },
  );
  const labels = packed['labels']!.data as BigInt64Array;
  return [...(result!.data as Float32Array)].filter((_, i) => labels[i]! >= 0n);
}

describe('packed rows', () => {
  it('give every conversation the losses that it has alone, where the picture is shared too', async () => {
    const samples = [await encodeSample(FIRST, reader), await encodeSample(SECOND, reader)];
    const all = samples.map((each) => sizeOf(each, config.imageToken));
    const placements = placeSamples(all, { rows: 1, length: 96, learned: 48 }, true);
    expect(placements).toHaveLength(2);
    expect(all[0]!.shared).toBeGreaterThan(4);
    const packed = await losses(samples, placements, 1);

    const alone: number[] = [];
    for (const { conversations, ...rest } of samples)
      for (const conversation of conversations) {
        const one = { ...rest, conversations: [conversation] };
        alone.push(...(await losses([one], [{ sample: 0, row: 0, start: 0, conversations: [0] }], 1)));
      }
    expect(packed).toHaveLength(alone.length);
    // Sums in another order; float32.
    for (const [i, loss] of packed.entries()) expect(Math.abs(loss - alone[i]!)).toBeLessThan(1e-5 * (1 + alone[i]!));
  });

  it('learn what the assistant says and the end of its turn, and nothing else', async () => {
    const { conversations } = await encodeSample(FIRST, reader);
    const said = conversations.map(({ tokens, learned }) =>
      tokenizer.decode(
        tokens.filter((_, i) => learned[i] === 1),
        { specialTokens: true },
      ),
    );
    expect(said).toEqual([' a red apple<|end|>', '三只猫<|end|>', '<loc01><loc02><loc30><loc63><|end|>']);
  });

  it('leave few tokens empty and hold each sample once', () => {
    const random = new Random(3);
    const sizes = Array.from({ length: 500 }, () => ({ shared: 0, own: [8 + random.integer(120)], learned: [4] }));
    const rows = planRows(sizes, { length: 256, learned: 128 });
    expect(rows.flat().sort((a, b) => a - b)).toEqual(sizes.map((_, i) => i));
    const used = rows.map((row) => row.reduce((sum, i) => sum + sizes[i]!.own[0]!, 0));
    expect(Math.max(...used)).toBeLessThanOrEqual(256);
    expect(used.reduce((a, b) => a + b, 0) / (256 * rows.length)).toBeGreaterThan(0.97);
  });
});

describe('a dataset of conversations', () => {
  const shape = { length: 96, learned: 48, evenness: 0.5, imageToken: config.imageToken, padToken: 0 };
  const source = { length: 4, sample: (index: number) => (index % 2 === 0 ? FIRST : SECOND) };

  it('gives equal batches for equal positions, each tensor with memory of its own', async () => {
    const dataset = new ConversationDataset(source, reader, shape);
    const position = { seed: 1, epoch: 2, index: 0 };
    const [a, b] = [await dataset.batch(position, 3), await dataset.batch(position, 3)];
    expect(a).toEqual(b);
    const buffers = Object.values(a.tensors).map(({ data }) => data.buffer);
    expect(new Set(buffers).size).toBe(buffers.length);
  });

  it('writes as many answers as told in smaller tokens, the same ones at equal positions', async () => {
    const position = { seed: 1, epoch: 2, index: 0 };
    const learned = async (splitTokens: number): Promise<readonly bigint[]> => {
      const { tensors } = await new ConversationDataset(source, { ...reader, joined }, { ...shape, splitTokens }).batch(
        position,
        4,
      );
      return [...(tensors['labels']!.data as BigInt64Array)].filter((label) => label >= 0n);
    };
    const whole = await learned(0);
    const split = await learned(1);
    expect(split.length).toBeGreaterThan(whole.length);
    expect(await learned(1)).toEqual(split);
  });

  it('sees the picture of a sample about which nothing is said, and leaves it out of the rows', async () => {
    const silent = { ...sample(3, []), regions: [], captions: ['a dog'] };
    const mute = new ConversationDataset({ length: 2, sample: (i) => (i === 0 ? FIRST : silent) }, reader, shape);
    const { ids, tensors } = await mute.batch({ seed: 1, epoch: 0, index: 0 }, 2);
    expect([...ids].sort()).toEqual(['sample 1', 'sample 3']);
    expect(tensors['pixel_values']!.shape).toEqual([2, 3, 16, 16]);
    const rows = tensors['samples']!.data as BigInt64Array;
    expect(new Set(rows)).toEqual(new Set([-1n, BigInt(ids.indexOf('sample 1'))]));
  });

  it('puts planned samples into one row, and names those that are too long', async () => {
    const dataset = new ConversationDataset(source, reader, shape, [[0, 1], [2], [3]]);
    const batch = await dataset.batch({ seed: 1, epoch: 0, index: 0 }, 3);
    expect(batch.ids).toHaveLength(4);
    // Of four pictures; the next number of shapes is four as well.
    expect(batch.tensors['pixel_values']!.shape).toEqual([4, 3, 16, 16]);
    const short = new ConversationDataset(source, reader, { ...shape, length: 20 }, [[0, 1], [2], [3]]);
    await expect(short.batch({ seed: 1, epoch: 0, index: 0 }, 3)).rejects.toThrow(/sample 1: \d+ tokens/);
  });
});
