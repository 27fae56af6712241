import { describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor } from '../../src/core/index.ts';
import { add, mul, reduceSum, type Tensor } from '../../src/graph/index.ts';
import { initializers, Module, Parameter } from '../../src/nn/index.ts';
import type { LossGraph, Trainable } from '../../src/train/objective.ts';
import { adamW, lion, type Optimizer, sgd, withEma } from '../../src/train/optimizers.ts';
import { learningRateAt } from '../../src/train/schedule.ts';
import { TrainingStep } from '../../src/train/step.ts';
import { distance, numbers } from './check-gradients.ts';
import { type FixtureCase, loadFixtures } from './fixtures.ts';
import { describeStores, row } from './stepping.ts';

/** Two weights whose gradients are what the batch says: loss = Σ w ⊙ g. */
class Given extends Module implements Trainable {
  readonly w: Parameter = new Parameter([3, 4], initializers.zeros);
  readonly b: Parameter = new Parameter([4], initializers.zeros);

  get model(): Module {
    return this;
  }

  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const loss = add(reduceSum(mul(this.w.tensor, batch['g_w']!)), reduceSum(mul(this.b.tensor, batch['g_b']!)));
    return { loss, figures: {} };
  }
}

const SIGNATURE = { g_w: { dtype: 'float32', shape: [3, 4] }, g_b: { dtype: 'float32', shape: [4] } } as const;

function optimizerOf({ op, attrs }: FixtureCase): Optimizer {
  const plain = op === 'adamw' ? adamW(attrs) : op === 'sgd' ? sgd(attrs) : lion(attrs);
  return attrs.ema === undefined ? plain : withEma(plain, attrs.ema);
}

const cases = await loadFixtures('optimizers');
const stepping = cases.filter(({ op }) => op !== 'clip_by_global_norm');

describeStores((runtime, arena) => {
  it.each(stepping)('$name follows PyTorch over five steps, with decay for matrices only', async (fixture) => {
    const { attrs, inputs, outputs } = fixture;
    const weights = { w: inputs['w']!, b: inputs['b']! };
    const step = await TrainingStep.create(runtime(), new Given(), SIGNATURE, weights, {
      optimizer: optimizerOf(fixture),
      weightDecay: attrs.weightDecay ?? 0,
      arena,
    });
    for (const [i, learningRate] of (attrs.learningRates as number[]).entries()) {
      await step.run([{ g_w: row(inputs['g_w']!, i), g_b: row(inputs['g_b']!, i) }], {
        step: i,
        seed: 1,
        learningRate,
      });
      const now = await step.readWeights();
      expect(distance(now['w']!, row(outputs['w']!, i)), `w after step ${i}`).toBeLessThan(1e-6);
      expect(distance(now['b']!, row(outputs['b']!, i)), `b after step ${i}`).toBeLessThan(1e-6);
      if (outputs['ema_w'] !== undefined) {
        const average = await step.readWeights(true);
        expect(distance(average['w']!, row(outputs['ema_w'], i)), `average of w after step ${i}`).toBeLessThan(1e-6);
      }
    }
    step.dispose();
  });

  it.each(cases.filter(({ op }) => op === 'clip_by_global_norm'))('$name', async ({ attrs, inputs, outputs }) => {
    const weights = { w: hostTensor('float32', [3, 4]), b: hostTensor('float32', [4]) };
    const step = await TrainingStep.create(runtime(), new Given(), SIGNATURE, weights, {
      optimizer: sgd(),
      weightDecay: 0,
      clip: attrs.maxNorm,
      arena,
    });
    const { gradientNorm } = await step.run([inputs], { step: 0, seed: 1, learningRate: 1 });
    expect(gradientNorm / numbers(outputs['norm']!)[0]!).toBeCloseTo(1, 6);
    // From zero and at rate 1, the weights are the clipped gradients with a minus. PyTorch divides by norm + 1e-6.
    const moved = await step.readWeights();
    for (const [weight, gradient] of [
      ['w', 'g_w'],
      ['b', 'g_b'],
    ] as const) {
      const back = hostTensor(
        'float32',
        moved[weight]!.shape,
        Float32Array.from(numbers(moved[weight]!), (x) => -x),
      );
      expect(distance(back, outputs[gradient]!)).toBeLessThan(2e-6);
    }
    step.dispose();
  });

  it('two accumulated batches are one batch of their mean', async () => {
    const { inputs } = stepping[0]!;
    const batches = [0, 1].map((i) => ({ g_w: row(inputs['g_w']!, i), g_b: row(inputs['g_b']!, i) }));
    const mean = (name: 'g_w' | 'g_b'): HostTensor => {
      const [a, b] = batches.map((batch) => numbers(batch[name])) as [number[], number[]];
      return hostTensor(
        'float32',
        batches[0]![name].shape,
        Float32Array.from(a, (x, i) => (x + b[i]!) / 2),
      );
    };
    const weights = { w: inputs['w']!, b: inputs['b']! };
    const options = { optimizer: adamW(), weightDecay: 0.1, clip: 1, arena };
    const together = await TrainingStep.create(runtime(), new Given(), SIGNATURE, weights, options);
    const apart = await TrainingStep.create(runtime(), new Given(), SIGNATURE, weights, { ...options, accumulate: 2 });
    const numbersOf = { step: 0, seed: 1, learningRate: 0.01 };
    const one = await together.run([{ g_w: mean('g_w'), g_b: mean('g_b') }], numbersOf);
    const two = await apart.run(batches, numbersOf);
    expect(two.loss).toBeCloseTo(one.loss, 5);
    expect(two.gradientNorm).toBeCloseTo(one.gradientNorm, 5);
    const [a, b] = [await together.readWeights(), await apart.readWeights()];
    for (const name of ['w', 'b']) expect(distance(b[name]!, a[name]!)).toBeLessThan(1e-6);
    together.dispose();
    apart.dispose();
  });

  it('a step on numbers that are not finite leaves the weights alone', async () => {
    const weights = { w: hostTensor('float32', [3, 4], new Float32Array(12).fill(1)), b: hostTensor('float32', [4]) };
    const step = await TrainingStep.create(runtime(), new Given(), SIGNATURE, weights, {
      optimizer: adamW(),
      weightDecay: 0.1,
      arena,
    });
    const broken = hostTensor('float32', [3, 4], new Float32Array(12).fill(Number.NaN));
    const { loss } = await step.run([{ g_w: broken, g_b: hostTensor('float32', [4]) }], {
      step: 0,
      seed: 1,
      learningRate: 0.1,
    });
    expect(loss).toBeNaN();
    expect((await step.readWeights())['w']!.data).toEqual(weights.w.data);
    step.dispose();
  });
});

describe('schedules', () => {
  const base = { learningRate: 0.5, warmup: 4, total: 12 } as const;

  it('rise over the warm-up and reach the highest rate with its last step', () => {
    for (const kind of ['constant', 'linear', 'cosine'] as const) {
      const rates = [0, 1, 2, 3].map((step) => learningRateAt({ ...base, kind }, step));
      expect(rates).toEqual([0.125, 0.25, 0.375, 0.5]);
      expect(learningRateAt({ ...base, kind }, 4)).toBe(0.5);
    }
  });

  it('stay, fall in a line, or fall as half a cosine, down to the floor', () => {
    expect(learningRateAt({ ...base, kind: 'constant' }, 1000)).toBe(0.5);
    expect(learningRateAt({ ...base, kind: 'linear' }, 8)).toBeCloseTo(0.25, 12);
    expect(learningRateAt({ ...base, kind: 'linear', floor: 0.1 }, 12)).toBeCloseTo(0.05, 12);
    expect(learningRateAt({ ...base, kind: 'cosine' }, 8)).toBeCloseTo(0.25, 12);
    expect(learningRateAt({ ...base, kind: 'cosine' }, 6)).toBeCloseTo(0.25 * (1 + Math.cos(Math.PI / 4)), 12);
    expect(learningRateAt({ ...base, kind: 'cosine', floor: 0.2 }, 5000)).toBeCloseTo(0.1, 12);
  });

  it('begin at the highest rate without a warm-up', () => {
    expect(learningRateAt({ ...base, kind: 'cosine', warmup: 0 }, 0)).toBe(0.5);
  });
});
