// Muon against PyTorch's with its orthogonalisation in float64; see make/muon.py.
import { expect, it } from 'vitest';
import type { HostTensor } from '../../src/core/index.ts';
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

/** Weights whose gradients are what the batch says: loss = Σ w ⊙ g. */
class Given extends Module implements Trainable {
  readonly weights: readonly Parameter[] = Object.entries(SHAPES).map(
    ([name, shape]) => new Parameter(shape, initializers.zeros, { hidden: name in MATRICES }),
  );

  get model(): Module {
    return this;
  }

  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const terms = Object.keys(SHAPES).map((name, i) => reduceSum(mul(this.weights[i]!.tensor, batch[`g_${name}`]!)));
    return { loss: terms.reduce((sum, term) => add(sum, term)), figures: {} };
  }
}

const SIGNATURE = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [`g_${name}`, { dtype: 'float32', shape }] as const),
);

/** Tensors by the paths of the weights. */
function byPath(tensors: (name: string) => HostTensor): Record<string, HostTensor> {
  return Object.fromEntries(Object.keys(SHAPES).map((name, i) => [`weights.${i}`, tensors(name)]));
}

const cases = await loadFixtures('muon');

describeStores((runtime, arena) => {
  it.each(cases)('$name follows PyTorch over six steps', async ({ attrs, inputs, outputs }) => {
    const plain = muon({ betas: attrs.betas, momentum: attrs.momentum });
    const step = await TrainingStep.create(
      runtime(),
      new Given(),
      SIGNATURE,
      byPath((name) => inputs[name]!),
      {
        optimizer: attrs.ema === undefined ? plain : withEma(plain, attrs.ema),
        weightDecay: attrs.weightDecay,
        arena,
      },
    );
    for (const [i, learningRate] of (attrs.learningRates as number[]).entries()) {
      const batch = Object.fromEntries(Object.keys(SIGNATURE).map((name) => [name, row(inputs[name]!, i)]));
      await step.run([batch], { step: i, seed: 1, learningRate });
      const now = await step.readWeights();
      const average = await step.readWeights(true);
      for (const [path, expected] of Object.entries(byPath((name) => row(outputs[name]!, i))))
        expect(distance(now[path]!, expected), `${path} after step ${i}`).toBeLessThan(1e-6);
      if (attrs.ema === undefined) continue;
      for (const [path, expected] of Object.entries(byPath((name) => row(outputs[`ema_${name}`]!, i))))
        expect(distance(average[path]!, expected), `average of ${path} after step ${i}`).toBeLessThan(1e-6);
    }
    step.dispose();
  });
});
