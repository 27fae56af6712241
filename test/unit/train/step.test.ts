import { describe, expect, it } from 'vitest';
import { hostTensor, Random, TrainingError } from '../../../src/core/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { lion, sgd, withEma, adamW } from '../../../src/train/optimizers.ts';
import { TrainingStep } from '../../../src/train/step.ts';
import { SIGNATURE, smallFusion, trainSmall } from '../../small-fusion.ts';

type Result = Awaited<ReturnType<typeof trainSmall>>;

async function on(
  backend: 'c-api' | 'binding',
  options: Parameters<typeof trainSmall>[2],
  steps = 100,
): Promise<Result> {
  const runtime = await createRuntime({ threads: 1, backend });
  const result = await trainSmall(runtime, steps, options);
  await runtime.dispose();
  return result;
}

function sameBits(a: Result, b: Result): void {
  expect(a.losses).toEqual(b.losses);
  for (const [name, { data }] of Object.entries(a.weights)) expect(b.weights[name]!.data, name).toEqual(data);
}

describe('training steps', () => {
  // No clipping: the two stores sum the norm in another order, and a factor of one ulp would spread to all weights.
  const plain = { clip: Number.MAX_VALUE };

  it('updates in place in an arena and updates of separate weights are bit-identical over 100 steps', async () => {
    const arena = await on('c-api', plain);
    sameBits(await on('c-api', { ...plain, arena: false }), arena);
    expect(arena.losses.at(-1)!).toBeLessThan(arena.losses[0]! * 0.8);
  });

  it('the C API and the binding are bit-identical over 100 steps', async () => {
    sameBits(await on('binding', plain), await on('c-api', { ...plain, arena: false }));
  });

  it('two equal runs are bit-identical, clipping included', async () => {
    sameBits(await on('c-api', {}, 20), await on('c-api', {}, 20));
  });

  it.each([
    ['SGD', { optimizer: sgd({ momentum: 0.9 }) }],
    ['Lion', { optimizer: lion() }],
    ['an average of weights', { optimizer: withEma(adamW(), 0.9) }],
    ['accumulation', { accumulate: 2 }],
    ['a convolutional encoder', { vision: 'convnet' }],
    ['the SigLIP loss', { form: 'siglip' }],
  ] as const)('with %s both stores agree bit for bit over 20 steps', async (_, options) => {
    sameBits(
      await on('c-api', { ...plain, ...options, arena: false }, 20),
      await on('c-api', { ...plain, ...options }, 20),
    );
  });

  it('with clipping both stores agree to rounding', async () => {
    const [arena, tree] = [await on('c-api', { clip: 0.1 }, 20), await on('c-api', { clip: 0.1, arena: false }, 20)];
    arena.losses.forEach((loss, i) => expect(tree.losses[i]! / loss).toBeCloseTo(1, 4));
  });

  it('frozen weights stay as they are and the others move', async () => {
    const start = smallFusion();
    const before = start.model.initialize(new Random(6));
    const { weights } = await on('c-api', { trains: (name) => !name.startsWith('network.vision_encoder.') }, 3);
    for (const [name, { data }] of Object.entries(weights)) {
      if (name.startsWith('network.vision_encoder.')) expect(data, name).toEqual(before[name]!.data);
    }
    expect(weights['network.classifier.weight']!.data).not.toEqual(before['network.classifier.weight']!.data);
  });

  it.each([true, false])('gives back all memory (arena %s)', async (arena) => {
    const runtime = await createRuntime({ threads: 1, backend: 'c-api' });
    await trainSmall(runtime, 1, { arena, accumulate: 2, optimizer: withEma(adamW(), 0.9) });
    expect(runtime.memory().peakValues).toBeGreaterThan(0);
    expect(runtime.memory().values).toBe(0);
    await runtime.dispose();
  });

  it('says what is missing', async () => {
    const runtime = await createRuntime({ threads: 1 });
    const trainable = smallFusion();
    const options = { optimizer: adamW(), weightDecay: 0 };
    await expect(TrainingStep.create(runtime, trainable, SIGNATURE, {}, options)).rejects.toThrow(
      /no values for the weight 'network/,
    );
    const weights = Object.fromEntries(
      [...trainable.model.parameters()].map(([name, { shape }]) => [name, hostTensor('float32', shape)]),
    );
    const nothing = TrainingStep.create(runtime, trainable, SIGNATURE, weights, { ...options, trains: () => false });
    await expect(nothing).rejects.toThrow(TrainingError);
    await runtime.dispose();
  });
});
