import { describe, expect, it } from 'vitest';
import { add, conv2d, exp, input, matmul, mul, reduceMean, reshape, type Tensor } from '../../../../src/graph/index.ts';
import { Linear, Module } from '../../../../src/nn/index.ts';
import { budgetFindings, budgetOf, type PlannedStep, secondsOf } from '../../../../src/recipe/doctor/budget.ts';
import { workloadOf } from '../../../../src/recipe/doctor/workload.ts';
import { adamW, muon } from '../../../../src/train/index.ts';

const vector = (name: string): Tensor => input(name, 'float32', [1000]);

describe('workloadOf', () => {
  it('counts additions and multiplications of products and convolutions', () => {
    const [a, b] = [input('a', 'float32', [5, 3, 7]), input('b', 'float32', [7, 11])];
    expect(workloadOf([matmul(a, b)]).operations).toBe(2 * 5 * 3 * 7 * 11);
    expect(workloadOf([matmul(b, b, { transA: true })]).operations).toBe(2 * 11 * 7 * 11);
    const linear = new Linear(7, 4);
    expect(workloadOf([linear.forward(a)]).operations).toBe(2 * 5 * 3 * 7 * 4);
    const [x, kernel] = [input('x', 'float32', [2, 3, 8, 8]), input('k', 'float32', [6, 3, 3, 3])];
    expect(workloadOf([conv2d(x, kernel, undefined, { padding: 1 })]).operations).toBe(2 * 2 * 6 * 64 * 27);
    expect(workloadOf([add(vector('p'), vector('q'))]).operations).toBe(0);
  });

  it('takes values to live from their making to their last use', () => {
    const x = vector('x');
    // Each in the place of the one before.
    expect(workloadOf([exp(exp(exp(x)))]).peak).toBe(4000);
    const first = exp(x);
    const second = mul(first, x);
    // `first` is needed again at the end.
    expect(workloadOf([add(exp(second), first)]).peak).toBe(8000);
    // Another shape of the same values.
    expect(workloadOf([reshape(exp(x), [10, 100])]).peak).toBe(4000);
    expect(workloadOf([x]).peak).toBe(0);
  });

  it('counts what is read and written besides', () => {
    expect(workloadOf([add(vector('p'), vector('q'))]).moved).toBe(3 * 4000);
  });
});

class Small extends Module {
  readonly first = new Linear(100, 200, { bias: false });
  readonly second = new Linear(200, 10, { bias: false });
}

const network = new Small();
const step: PlannedStep = {
  trainable: {
    model: network,
    loss: ({ x }) => ({ loss: reduceMean(network.second.forward(network.first.forward(x!))), figures: {} }),
  },
  batch: { x: { dtype: 'float32', shape: [64, 100] } },
  optimizer: adamW(),
  accumulate: 1,
};

describe('budgetOf', () => {
  it('counts what matrices of hidden layers keep and take where they have a rule of their own', () => {
    const budget = budgetOf({ ...step, optimizer: muon() });
    expect(budget.bytes.optimizer).toBe(88_000);
    // Five iterations: two products with the other matrix, and the square of the smaller square.
    const products = (short: number, long: number): number => 5 * (4 * short ** 2 * long + 2 * short ** 3);
    expect(budget.operations - budgetOf(step).operations).toBe(products(100, 200) + products(10, 200));
  });

  it('counts weights, gradients and the optimizer’s tensors', () => {
    const { weights, bytes, operations } = budgetOf(step);
    expect(weights).toEqual({ trained: 22_000, frozen: 0 });
    expect([bytes.weights, bytes.gradients, bytes.optimizer, bytes.batch]).toEqual([88_000, 88_000, 176_000, 25_600]);
    // Forward, the gradients of both matrices, and that of the values between them.
    expect(operations).toBe(2 * 64 * (100 * 200 * 2 + 200 * 10 * 3));
    expect(bytes.activations).toBeGreaterThan(4 * 64 * 200);
    expect(bytes.total).toBe(Object.values(bytes).reduce((sum, part) => sum + part, 0) - bytes.total);
  });

  it('leaves out what is frozen, and adds sums and repeats where batches are accumulated', () => {
    const frozen = budgetOf({ ...step, trains: (name) => name.startsWith('second') });
    expect(frozen.weights).toEqual({ trained: 2000, frozen: 20_000 });
    expect(frozen.bytes.gradients).toBe(8000);
    expect(frozen.operations).toBe(2 * 64 * (100 * 200 + 200 * 10 * 2));
    const several = budgetOf({ ...step, accumulate: 4 });
    expect(several.bytes.gradients).toBe(176_000);
    expect(several.operations).toBe(4 * budgetOf(step).operations);
  });
});

describe('budgetFindings', () => {
  const rates = { operations: 1e9, bytes: 1e9 };
  const machine = { memory: 8e9, free: 6e9, threads: 2 };
  const budget = budgetOf(step);
  const found = (changes: object, run: object = { steps: 1000 }): string[] =>
    budgetFindings(budget, { rates, machine: { ...machine, ...changes }, run }).map(
      ({ level, check }) => `${level} ${check}`,
    );

  it('notes what a step takes', () => {
    expect(found({})).toEqual(['note memory', 'note time', 'note weights']);
    expect(secondsOf(budget, rates)).toBeGreaterThan(budget.operations / 1e9);
  });

  it('finds steps that do not fit the machine', () => {
    expect(found({ memory: 100e6 })).toContain('error memory');
    expect(found({ free: 100e6 })).toContain('warning memory');
  });

  it('finds runs that end before they have begun', () => {
    expect(found({}, { minutes: 0.01 })).toContain('warning time');
    expect(found({}, { minutes: 60 })).toContain('note time');
  });
});
