import { describe, expect, it } from 'vitest';
import { hostTensor, Random, TrainingError } from '../../../src/core/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { describeGroups, type WeightGroups } from '../../../src/train/groups.ts';
import { muon } from '../../../src/train/muon.ts';
import { lion, sgd, withEma, adamW } from '../../../src/train/optimizers.ts';
import { TrainingStep } from '../../../src/train/step.ts';
import { SIGNATURE, smallBatch, smallFusion, trainSmall } from '../../small-fusion.ts';

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

/** The picture encoder is frozen but for its last norm, the text encoder slow, the rest quick. */
const groups: WeightGroups = (path) => {
  if (path.startsWith('network.vision_encoder.')) return { train: path.includes('norm'), rate: 0.5 };
  return { train: true, rate: path.startsWith('network.text_encoder.') ? 0.1 : 1 };
};

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
    ['Muon', { optimizer: muon() }],
    [
      'Muon, an average of weights and learning rates by group',
      { groups, optimizer: withEma(muon(), 0.9), accumulate: 2 },
    ],
    ['an average of weights', { optimizer: withEma(adamW(), 0.9) }],
    ['accumulation', { accumulate: 2 }],
    ['a convolutional encoder', { vision: 'convnet' }],
    ['the SigLIP loss', { form: 'siglip' }],
    ['learning rates by group', { groups }],
    ['an average of weights and learning rates by group', { groups, optimizer: withEma(adamW(), 0.9), accumulate: 2 }],
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
    const frozen = (path: string): boolean => path.startsWith('network.vision_encoder.');
    const { weights } = await on('c-api', { groups: (path) => ({ train: !frozen(path), rate: 1 }) }, 3);
    for (const [name, { data }] of Object.entries(weights)) {
      if (frozen(name)) expect(data, name).toEqual(before[name]!.data);
    }
    expect(weights['network.classifier.weight']!.data).not.toEqual(before['network.classifier.weight']!.data);
  });

  it('groups whose factor is 1 change nothing, and equal steps are taken in other groups at their own rate', async () => {
    const options = { ...plain, optimizer: sgd(), weightDecay: 0.5 };
    const all = await on('c-api', options, 1);
    sameBits(await on('c-api', { ...options, groups: () => ({ train: true, rate: 1 }) }, 1), all);
    const grouped = await on('c-api', { ...options, groups }, 1);
    const start = smallFusion().model.initialize(new Random(6));
    for (const [name, { data }] of Object.entries(grouped.weights)) {
      const { train, rate } = groups(name);
      const factor = train ? rate : 0;
      for (let i = 0; i < data.length; i++) {
        const [from, whole] = [start[name]!.data[i] as number, all.weights[name]!.data[i] as number];
        // The change is a difference of float32 numbers: exact to their last place.
        const error = Math.abs((data[i] as number) - from - factor * (whole - from));
        expect(error, `${name}[${i}]`).toBeLessThan(3e-7 * Math.max(1, Math.abs(from)));
      }
    }
  });

  it('clips by one norm over the trained weights of all groups', async () => {
    const runtime = await createRuntime({ threads: 1 });
    const norms: number[] = [];
    for (const arena of [true, false]) {
      const trainable = smallFusion();
      const step = await TrainingStep.create(runtime, trainable, SIGNATURE, trainable.model.initialize(new Random(6)), {
        optimizer: sgd(),
        weightDecay: 0,
        groups,
        arena,
      });
      norms.push((await step.run([smallBatch(new Random(8))], { step: 0, seed: 3, learningRate: 0 })).gradientNorm);
      step.dispose();
    }
    expect(norms[0]! / norms[1]!).toBeCloseTo(1, 5);
    await runtime.dispose();
  });

  it('refuses a factor that is no positive number', async () => {
    const wrong = on('c-api', { groups: () => ({ train: true, rate: 0 }) }, 1);
    await expect(wrong).rejects.toThrow(/learning rate of 'network.* multiplied by 0/);
  });

  it('writes groups as ranges of neighbours', () => {
    const paths = ['a.x', 'a.y', 'b.x', 'c.x', 'c.y'];
    const text = describeGroups(paths, (path) => ({
      train: !path.startsWith('a'),
      rate: path.endsWith('x') ? 0.1 : 1,
    }));
    expect(text).toBe('a.x..a.y: frozen; b.x..c.x: 0.1; c.y: 1');
  });

  it.each(
    [true, false].flatMap((arena) => [adamW(), muon()].map((optimizer) => [arena, optimizer.kind, optimizer] as const)),
  )('gives back all memory (arena %s, %s)', async (arena, _, optimizer) => {
    const runtime = await createRuntime({ threads: 1, backend: 'c-api' });
    await trainSmall(runtime, 1, { arena, accumulate: 2, optimizer: withEma(optimizer, 0.9), groups });
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
    const none = { ...options, groups: () => ({ train: false, rate: 1 }) };
    const nothing = TrainingStep.create(runtime, trainable, SIGNATURE, weights, none);
    await expect(nothing).rejects.toThrow(TrainingError);
    await runtime.dispose();
  });
});
