import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostTensor, Random } from '../../../../src/core/index.ts';
import { input, type Tensor } from '../../../../src/graph/index.ts';
import { attachLora, branchMask } from '../../../../src/nn/index.ts';
import { ConversationDataset } from '../../../../src/recipe/conversations/dataset.ts';
import { parseRecipe, tuningRecipe } from '../../../../src/recipe/index.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { ImageTextTraining } from '../../../../src/train/index.ts';
import { evaluate } from '../../evaluate.ts';
import { config, model, reader, sample } from './tiny.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

const SHAPE = { length: 64, learned: 16, evenness: 0.5, imageToken: config.imageToken, padToken: 0 };
/** One sample that is learned and one of which the model is to say what it said. */
const SOURCE = {
  length: 2,
  sample: (index: number) =>
    index === 0
      ? sample(1, [['what is this?', 'a red apple']])
      : { ...sample(2, [['how many cats are there?', '三只猫']]), retained: true },
};

async function batchOf(retaining: boolean): Promise<{ ids: readonly string[]; tensors: Record<string, HostTensor> }> {
  const { ids, tensors } = await new ConversationDataset(SOURCE, reader, { ...SHAPE, retaining }).batch(
    { seed: 1, epoch: 0, index: 0 },
    2,
  );
  return { ids, tensors: tensors as Record<string, HostTensor> };
}

describe('retention', () => {
  it('tells tokens of retained samples apart, where it is asked for', async () => {
    const plain = await batchOf(false);
    const { tensors } = await batchOf(true);
    expect(plain.tensors['retained']).toBeUndefined();
    const [all, learned, retained] = [plain.tensors['weights']!, tensors['weights']!, tensors['retained']!].map(
      ({ data }) => [...(data as Float32Array)],
    );
    expect(learned!.map((weight, i) => weight + retained![i]!)).toEqual(all);
    expect(learned!.every((weight, i) => weight === 0 || retained![i] === 0)).toBe(true);
    expect(Math.min(Math.max(...learned!), Math.max(...retained!))).toBeGreaterThan(0);
  });

  it('is the mean divergence of what an adapter says from what the model says by itself', async () => {
    const { tensors } = await batchOf(true);
    const symbols: Record<string, Tensor> = Object.fromEntries(
      Object.entries(tensors).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
    );
    const network = model();
    network.parameters();
    const adapter = attachLora(network, { rank: 2, targets: '.*mlp.*' });
    const objective = new ImageTextTraining(
      network,
      { language: 1, regions: 0, contrastive: 0, shown: 0, retention: 3 },
      (act) => adapter.without(act),
    );
    const read = (): Tensor =>
      network.read(symbols['ids']!, {
        features: network.pictureFeatures(symbols),
        places: symbols['places'],
        positions: symbols['positions'],
        mask: branchMask(symbols['samples']!, symbols['branches']!),
        chosen: symbols['chosen']!,
      });
    const { loss, figures } = objective.loss(symbols);
    const outputs = { loss, ...figures, after: read(), before: adapter.without(read) };
    const random = new Random(5);
    const first = await adapter.firstValues(random, () => {
      throw new Error('not asked for');
    });
    const given = { ...tensors, ...network.initialize(new Random(7)) };
    const untaught = await evaluate(runtime, outputs, { ...given, ...first });
    expect(untaught['retention']!.data[0]).toBe(0);
    expect(untaught['after']!.data).toEqual(untaught['before']!.data);

    // Matrices B that change something.
    for (const [path, { data }] of Object.entries(first))
      if (path.includes('lora_B')) for (let i = 0; i < data.length; i++) data[i] = random.uniform(-1, 1);
    const taught = await evaluate(runtime, outputs, { ...given, ...first });
    const vocabulary = config.text.vocabularySize;
    const logLikelihoods = (name: string, row: number): number[] => {
      const logits = [...(taught[name]!.data as Float32Array)].slice(row * vocabulary, (row + 1) * vocabulary);
      const most = Math.max(...logits);
      const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit - most), 0)) + most;
      return logits.map((logit) => logit - sum);
    };
    let [expected, count] = [0, 0];
    for (const [row, weight] of [...(tensors['retained']!.data as Float32Array)].entries()) {
      if (weight === 0) continue;
      const [before, after] = [logLikelihoods('before', row), logLikelihoods('after', row)];
      expected += weight * before.reduce((sum, value, i) => sum + Math.exp(value) * (value - after[i]!), 0);
      count += weight;
    }
    // Sums over the vocabulary in float32.
    expect(taught['retention']!.data[0]).toBeCloseTo(expected / count, 5);
    expect(expected / count).toBeGreaterThan(0.001);
    const [total, language, retention] = ['loss', 'language', 'retention'].map((name) => Number(taught[name]!.data[0]));
    expect(total).toBeCloseTo(language! + 3 * retention!, 4);
  });

  it('needs an adapter, and sources to be retained', () => {
    const recipe = (retain: boolean, retention: number, lora: string): (() => unknown) => {
      const text = `
model: { type: image-text, from: somewhere${lora} }
data: { kind: conversations, sources: [{ kind: files, path: a.json }, { kind: files, path: b.json, retain: ${retain} }] }
objectives: { retention: ${retention} }
optimizer: { kind: adamw, lr: 0.001 }
schedule: { kind: cosine }
train: { steps: 1, batch: 1 }
output: out`;
      return () => parseRecipe(tuningRecipe, text, 'the recipe');
    };
    expect(recipe(true, 1, ', lora: {}')).not.toThrow();
    expect(recipe(true, 1, '')).toThrow(/beside an adapter alone/);
    expect(recipe(true, 0, ', lora: {}')).toThrow(/goes with sources that are retained/);
    expect(recipe(false, 1, ', lora: {}')).toThrow(/goes with sources that are retained/);
  });
});
