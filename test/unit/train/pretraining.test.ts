import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../../src/core/index.ts';
import { constant, input, randomUniform, type Tensor } from '../../../src/graph/index.ts';
import { SimpleMultimodalModel } from '../../../src/models/fusion/model.ts';
import { lower } from '../../../src/onnx/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { DistillationTraining } from '../../../src/train/objectives/distillation-training.ts';
import { FusionTraining, type FusionWeights, PRETRAINING_WEIGHTS } from '../../../src/train/objectives/fusion.ts';
import { drawNegatives } from '../../../src/train/objectives/matching.ts';
import type { BatchSignature } from '../../../src/train/objective.ts';
import { adamW, withEma } from '../../../src/train/optimizers.ts';
import { TrainingStep } from '../../../src/train/step.ts';
import { VISIONS } from '../../small-fusion.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

async function evaluate(
  outputs: Record<string, Tensor>,
  given: Record<string, HostTensor>,
): Promise<Record<string, HostTensor>> {
  const program = await runtime.compile(lower(outputs, { device: 'cpu' }), { optimization: 'disabled' });
  const values = Object.fromEntries(
    await Promise.all(
      program.inputs.map(async ({ name }) => {
        const tensor = given[name]!;
        return [name, await runtime.allocate(tensor.dtype, tensor.shape, tensor)] as const;
      }),
    ),
  );
  const results = await program.run(values);
  return Object.fromEntries(
    await Promise.all(Object.entries(results).map(async ([name, value]) => [name, await value.read()] as const)),
  );
}

describe('hard negatives', () => {
  const similarity = [0.5, 2, -1, 1.2, 0];
  const rows = 20_000;
  const repeated = (values: readonly number[]): HostTensor =>
    hostTensor(
      'float32',
      [rows, 5],
      Float32Array.from({ length: 5 * rows }, (_, i) => values[i % 5]!),
    );
  const seed = (value: number): HostTensor => hostTensor('int32', [], Int32Array.of(value));

  it('are drawn with probability softmax(similarity) among those of other concepts, and differ with the seed', async () => {
    const drawn = drawNegatives(
      constant(repeated(similarity)),
      // The row's own, and another of its concept.
      constant(repeated([1, 0, 0, 1, 0])),
      randomUniform(input('seed', 'int32', []), [rows, 5], 3),
    );
    const draw = async (value: number): Promise<number[]> =>
      Array.from(
        (await evaluate({ index: drawn.index }, { seed: seed(value) }))['index']!.data as BigInt64Array,
        Number,
      );
    const index = await draw(11);
    const weights = similarity.map((s, i) => (i === 0 || i === 3 ? 0 : Math.exp(s)));
    const sum = weights.reduce((a, b) => a + b, 0);
    for (let i = 0; i < 5; i++) {
      const p = weights[i]! / sum;
      const share = index.filter((each) => each === i).length / rows;
      // Four standard deviations of a share.
      expect(Math.abs(share - p), `candidate ${i}`).toBeLessThanOrEqual(4 * Math.sqrt((p * (1 - p)) / rows));
    }
    expect(await draw(11)).toEqual(index);
    expect(await draw(12)).not.toEqual(index);
  });

  it('are the most similar ones without random numbers, and none where all are of one concept', async () => {
    const two = (values: readonly number[]): Tensor =>
      constant(hostTensor('float32', [2, 5], Float32Array.from([...values, ...values])));
    const drawn = drawNegatives(two(similarity), two([0, 1, 0, 0, 0]));
    const nothing = drawNegatives(two(similarity), two([1, 1, 1, 1, 1]));
    const { index, found, none } = await evaluate({ index: drawn.index, found: drawn.found, none: nothing.found }, {});
    expect([...index!.data]).toEqual([3n, 3n]);
    expect([...found!.data]).toEqual([1, 1]);
    expect([...none!.data]).toEqual([0, 0]);
  });
});

const [BATCH, LENGTH, MOST, VOCABULARY] = [6, 5, 1, 14];
const SIGNATURE: BatchSignature = {
  pixels: { dtype: 'float32', shape: [BATCH, 3, 8, 8] },
  description_ids: { dtype: 'int64', shape: [BATCH, LENGTH] },
  description_mask: { dtype: 'float32', shape: [BATCH, LENGTH] },
  masked_ids: { dtype: 'int64', shape: [BATCH, LENGTH] },
  masked_places: { dtype: 'int64', shape: [BATCH, MOST] },
  masked_labels: { dtype: 'int64', shape: [BATCH, MOST] },
  concept: { dtype: 'int64', shape: [BATCH] },
};

function network(): SimpleMultimodalModel {
  return new SimpleMultimodalModel({
    vision: VISIONS.convnet,
    text: { vocabularySize: VOCABULARY, maxLength: LENGTH, width: 12, layers: 1, heads: 2, hidden: 24 },
    hiddenSize: 16,
    heads: 2,
    classes: 0,
    query: 'text',
    layers: 2,
    alignmentSize: 8,
    maskedHead: true,
    matchingHead: true,
  });
}

/** Three concepts, seen as a bright channel and said as a word that is hidden. */
function batchOf(random: Random): Record<string, HostTensor> {
  const batch = Object.fromEntries(
    Object.entries(SIGNATURE).map(([name, { dtype, shape }]) => [name, hostTensor(dtype, shape)]),
  );
  for (let row = 0; row < BATCH; row++) {
    const shown = random.integer(3);
    for (let i = 0; i < 192; i++)
      batch['pixels']!.data[row * 192 + i] = 0.3 * random.normal() + (Math.floor(i / 64) === shown ? 1 : 0);
    const words = [2, 5 + shown, 8 + random.integer(3), 3, 0];
    for (let i = 0; i < LENGTH; i++) {
      const at = row * LENGTH + i;
      (batch['description_ids']!.data as BigInt64Array)[at] = BigInt(words[i]!);
      (batch['masked_ids']!.data as BigInt64Array)[at] = BigInt(i === 1 ? 4 : words[i]!);
      batch['description_mask']!.data[at] = words[i] === 0 ? 0 : 1;
    }
    (batch['masked_places']!.data as BigInt64Array)[row] = 1n;
    (batch['masked_labels']!.data as BigInt64Array)[row] = BigInt(words[1]!);
    (batch['concept']!.data as BigInt64Array)[row] = BigInt(shown);
  }
  return batch;
}

const SUM: FusionWeights = { classification: 0, contrastive: 0, form: 'clip', ...PRETRAINING_WEIGHTS };

async function train(
  weights: FusionWeights,
  steps: number,
  ema?: number,
): Promise<{ loss: number; figures: Readonly<Record<string, number>> }[]> {
  const twin = (weights.momentum ?? 0) > 0 ? network() : undefined;
  const trainable = new FusionTraining(network(), weights, twin);
  const first = trainable.model.initialize(new Random(4));
  const step = await TrainingStep.create(runtime, trainable, SIGNATURE, first, {
    optimizer: ema === undefined ? adamW() : withEma(adamW(), ema),
    weightDecay: 0.01,
  });
  const random = new Random(9);
  const results = [];
  for (let i = 0; i < steps; i++)
    results.push(await step.run([batchOf(random)], { step: i, seed: 2, learningRate: 5e-3 }));
  step.dispose();
  return results;
}

describe('the weighted sum', () => {
  it.each(['clip', 'siglip'] as const)('adds 0.4, 0.4 and 0.2 of its parts, and learns them (%s)', async (form) => {
    const results = await train({ ...SUM, form }, 100);
    for (const { loss, figures } of results)
      expect(loss).toBeCloseTo(0.4 * figures['mlm']! + 0.4 * figures['alignment']! + 0.2 * figures['itm']!, 4);
    const end = results.slice(-10);
    expect(end.every(({ figures }) => figures['mlm']! < 0.5 * results[0]!.figures['mlm']!)).toBe(true);
    expect(end.reduce((sum, { figures }) => sum + figures['mlm-accuracy']!, 0) / 10).toBeGreaterThan(0.9);
  });

  it('is bit-identical with equal seeds, draws included', async () => {
    expect(await train(SUM, 5)).toEqual(await train(SUM, 5));
  });

  it('refuses what cannot be', () => {
    expect(() => new FusionTraining(network(), { ...SUM, mlm: 0, alignment: 0, itm: 0 })).toThrow(/no objective/);
    expect(() => new FusionTraining(network(), { ...SUM, momentum: 0.4 })).toThrow(/second network/);
    const bare = new FusionTraining(network(), SUM);
    expect(() => bare.loss({ pixels: input('pixels', 'float32', [2, 3, 8, 8]) })).toThrow(/description_ids/);
  });
});

describe('momentum distillation', () => {
  it('follows averaged weights: equal ones give no loss, and weights that moved away do', async () => {
    const results = await train({ ...SUM, momentum: 1 }, 3, 0.9);
    // The averages start from the weights, so that both models say the same.
    expect(results[0]!.figures['mlm']!).toBeCloseTo(0, 5);
    expect(results[0]!.figures['alignment']!).toBeCloseTo(0, 5);
    expect(results[2]!.figures['mlm']!).toBeGreaterThan(1e-6);
  });

  it('mixes both targets', async () => {
    const [plain] = await train(SUM, 1, 0.9);
    const [mixed] = await train({ ...SUM, momentum: 0.4 }, 1, 0.9);
    for (const name of ['mlm', 'alignment']) expect(mixed!.figures[name]).toBeCloseTo(0.6 * plain!.figures[name]!, 5);
  });

  it('needs averaged weights', async () => {
    await expect(train({ ...SUM, momentum: 0.4 }, 1)).rejects.toThrow(/averaged weights/);
  });
});

describe('knowledge distillation', () => {
  const signature: BatchSignature = {
    pixels: SIGNATURE['pixels']!,
    ids: SIGNATURE['description_ids']!,
    mask: SIGNATURE['description_mask']!,
  };
  const model = (width: number): SimpleMultimodalModel =>
    new SimpleMultimodalModel({
      vision: VISIONS.convnet,
      text: { vocabularySize: VOCABULARY, maxLength: LENGTH, width, layers: 1, heads: 2 },
      hiddenSize: width,
      heads: 2,
      classes: 4,
      query: 'text',
      layers: 1,
      alignmentSize: 0,
    });
  const logitsOf =
    (network: SimpleMultimodalModel) =>
    (batch: Readonly<Record<string, Tensor>>): Tensor =>
      network.forward(batch['pixels']!, batch['ids']!, batch['mask']!);

  it('brings a small model to what a frozen bigger one says', async () => {
    const [student, teacher] = [model(8), model(24)];
    const trainable = new DistillationTraining({
      student,
      studentLogits: logitsOf(student),
      teacher: { module: teacher, logits: logitsOf(teacher) },
    });
    const weights = trainable.model.initialize(new Random(3));
    // A teacher with something to say.
    for (const [path, { data }] of Object.entries(weights))
      if (path === 'teacher.classifier.weight') data.forEach((x, i) => (data[i] = 100 * Number(x)));
    const step = await TrainingStep.create(runtime, trainable, signature, weights, {
      optimizer: adamW(),
      weightDecay: 0,
      groups: (path) => DistillationTraining.groups(path),
    });
    const random = new Random(5);
    const losses: number[] = [];
    for (let i = 0; i < 80; i++) {
      const { pixels, description_ids: ids, description_mask: mask } = batchOf(random);
      const batch = { pixels: pixels!, ids: ids!, mask: mask! };
      losses.push((await step.run([batch], { step: i, seed: 1, learningRate: 1e-2 })).loss);
    }
    const after = await step.readWeights();
    step.dispose();
    const mean = (values: number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(mean(losses.slice(-10))).toBeLessThan(0.3 * mean(losses.slice(0, 10)));
    for (const [path, { data }] of Object.entries(weights))
      if (path.startsWith('teacher.')) expect(after[path]!.data, path).toEqual(data);
  });
});
