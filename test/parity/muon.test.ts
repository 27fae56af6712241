// Muon against PyTorch's with its orthogonalisation in float64; see make/muon.py.
import { expect, it } from 'vitest';
import { hostTensor, type HostTensor } from '../../src/core/index.ts';
import { add, mul, reduceSum, type Tensor } from '../../src/graph/index.ts';
import { initializers, Module, Parameter } from '../../src/nn/index.ts';
import { muon } from '../../src/train/muon.ts';
import type { LossGraph, Trainable } from '../../src/train/objective.ts';
import { withEma } from '../../src/train/optimizers.ts';
import { TrainingStep } from '../../src/train/step.ts';
import { distance } from './check-gradients.ts';
import { loadFixtures } from './fixtures.ts';
import { describeStores, row } from './stepping.ts';

const MATRICES = { square: [6, 6], wide: [4, 9], tall: [10, 5], row: [1, 7] };
const SHAPES: Readonly<Record<string, readonly number[]>> = { ...MATRICES, table: [5, 4], bias: [9] };
/** Two of the matrices as kernels, which are to move as the matrices do. */
const WITH_KERNELS: typeof SHAPES = { ...SHAPES, wide: [4, 1, 3, 3], tall: [10, 5, 1, 1] };

/** Weights whose gradients are what the batch says: loss = Σ w ⊙ g. */
class Given extends Module implements Trainable {
  readonly weights: readonly Parameter[];

  constructor(shapes: typeof SHAPES) {
    super();
    this.weights = Object.entries(shapes).map(
      ([name, shape]) => new Parameter(shape, initializers.zeros, { hidden: name in MATRICES }),
    );
  }

  get model(): Module {
    return this;
  }

  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const terms = Object.keys(SHAPES).map((name, i) => reduceSum(mul(this.weights[i]!.tensor, batch[`g_${name}`]!)));
    return { loss: terms.reduce((sum, term) => add(sum, term)), figures: {} };
  }
}

/** Tensors by the paths of the weights, in their shapes. */
function byPath(shapes: typeof SHAPES, tensors: (name: string) => HostTensor): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [`weights.${i}`, shaped(tensors(name), shape)]),
  );
}

function shaped({ data }: HostTensor, shape: readonly number[]): HostTensor {
  return hostTensor('float32', shape, data as Float32Array);
}

const cases = await loadFixtures('muon');

describeStores((runtime, arena) => {
  const follow = async (
    { attrs, inputs, outputs }: (typeof cases)[number],
    shapes: typeof SHAPES,
    kernels = false,
  ): Promise<Map<string, number>> => {
    const plain = muon({ betas: attrs.betas, momentum: attrs.momentum, kernels });
    const signature = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [`g_${name}`, { dtype: 'float32', shape }] as const),
    );
    const step = await TrainingStep.create(
      runtime(),
      new Given(shapes),
      signature,
      byPath(shapes, (name) => inputs[name]!),
      {
        optimizer: attrs.ema === undefined ? plain : withEma(plain, attrs.ema),
        weightDecay: attrs.weightDecay,
        arena,
      },
    );
    const distances = new Map<string, number>();
    for (const [i, learningRate] of (attrs.learningRates as number[]).entries()) {
      const batch = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [`g_${name}`, shaped(row(inputs[`g_${name}`]!, i), shape)]),
      );
      await step.run([batch], { step: i, seed: 1, learningRate });
      const compare = async (prefix: string, average: boolean): Promise<void> => {
        const now = await step.readWeights(average);
        const expected = byPath(shapes, (name) => row(outputs[prefix + name]!, i));
        for (const path of Object.keys(expected))
          distances.set(`${prefix}${path} after step ${i}`, distance(now[path]!, expected[path]!));
      };
      await compare('', false);
      if (attrs.ema !== undefined) await compare('ema_', true);
    }
    step.dispose();
    return distances;
  };

  it.each(cases)('$name follows PyTorch over six steps', async (given) => {
    for (const [what, far] of await follow(given, SHAPES)) expect(far, what).toBeLessThan(1e-6);
  });

  it('takes kernels as matrices where it is told to', async () => {
    for (const [what, far] of await follow(cases[0]!, WITH_KERNELS, true)) expect(far, what).toBeLessThan(1e-6);
    expect(Math.max(...(await follow(cases[0]!, WITH_KERNELS)).values())).toBeGreaterThan(1e-3);
  });
});
