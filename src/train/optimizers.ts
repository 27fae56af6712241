import type { Parameter } from '../nn/index.ts';
import { add, div, mul, sign, sqrt, sub, type Tensor } from '../graph/index.ts';

/** Numbers that an update takes anew at each step, as scalar tensors. */
export interface StepNumbers {
  readonly learningRate: Tensor;
  /** 1 − learning rate × weight decay for this group of weights; 1 where there is no decay. */
  readonly keep: Tensor;
  /** Multiplies gradients: 1 / accumulated batches, and clipping. */
  readonly gradientScale: Tensor;
  /** Corrections for moments that start at zero: 1 / (1 − β₁ᵗ) and 1 / (1 − β₂ᵗ). */
  readonly correction1: Tensor;
  readonly correction2: Tensor;
}

/** How weights change at a step, as graph. */
export interface UpdateRule {
  /** Names of the tensors kept for each weight; all start at zero. */
  readonly slots: readonly string[];
  /** @returns the new weight and the new slots, each of the weight's shape */
  update(
    weight: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    numbers: StepNumbers,
  ): { weight: Tensor; slots: Tensor[] };
}

/** An optimiser: its own rule is elementwise, so that it works on single weights and on all of them as one vector. */
export interface Optimizer extends UpdateRule {
  readonly kind: string;
  readonly betas: readonly [number, number];
  /** The rule for matrices of hidden layers, each taken as a whole; that of all others where absent. */
  readonly matrices?: UpdateRule | undefined;
  /** Whether that rule takes kernels of hidden layers too. */
  readonly kernels?: boolean;
}

/** The rule by which a weight is updated. */
export function ruleOf(optimizer: Optimizer, { hidden, shape }: Parameter): UpdateRule {
  const { matrices, kernels } = optimizer;
  return hidden && matrices !== undefined && (shape.length === 2 || kernels === true) ? matrices : optimizer;
}

/** old · β + new · (1 − β) */
function blend(old: Tensor, fresh: Tensor, beta: number): Tensor {
  return add(mul(old, beta), mul(fresh, 1 - beta));
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2). */
export function adamW(options: { betas?: readonly [number, number]; epsilon?: number } = {}): Optimizer {
  const betas = options.betas ?? [0.9, 0.999];
  const epsilon = options.epsilon ?? 1e-8;
  return {
    kind: 'adamw',
    slots: ['m', 'v'],
    betas,
    update(weight, gradient, [m, v], { learningRate, keep, gradientScale, correction1, correction2 }) {
      // Whatever multiplies single numbers is done before the vectors come in: each pass over them counts.
      const g = mul(gradient, mul(gradientScale, Math.sqrt(1 - betas[1])));
      const m2 = add(mul(m!, betas[0]), mul(gradient, mul(gradientScale, 1 - betas[0])));
      const v2 = add(mul(v!, betas[1]), mul(g, g));
      // m̂ / (√v̂ + ε), both sides divided by the root of v's correction
      const root = sqrt(correction2);
      const rate = div(mul(learningRate, correction1), root);
      const step = div(mul(m2, rate), add(sqrt(v2), div(epsilon, root)));
      return { weight: sub(mul(weight, keep), step), slots: [m2, v2] };
    },
  };
}

/** Stochastic gradient descent with momentum as in PyTorch: b ← μ b + g, w ← w − lr b. */
export function sgd(options: { momentum?: number } = {}): Optimizer {
  const momentum = options.momentum ?? 0;
  return {
    kind: 'sgd',
    slots: momentum === 0 ? [] : ['momentum'],
    betas: [momentum, 0],
    update(weight, gradient, [buffer], { learningRate, keep, gradientScale }) {
      const g = mul(gradient, gradientScale);
      const direction = buffer === undefined ? g : add(mul(buffer, momentum), g);
      return {
        weight: sub(mul(weight, keep), mul(direction, learningRate)),
        slots: buffer === undefined ? [] : [direction],
      };
    },
  };
}

/** Lion (Chen et al. 2023, arXiv 2302.06675): the sign of an interpolated momentum; needs a smaller rate than Adam. */
export function lion(options: { betas?: readonly [number, number] } = {}): Optimizer {
  const betas = options.betas ?? [0.9, 0.99];
  return {
    kind: 'lion',
    slots: ['m'],
    betas,
    update(weight, gradient, [m], { learningRate, keep, gradientScale }) {
      const g = mul(gradient, gradientScale);
      // The new momentum is written from `between`, so that in an update in place nothing reads the old one later.
      const between = betas[0] === 0 ? g : blend(m!, g, betas[0]);
      const ratio = betas[1] / betas[0];
      const next = betas[0] === 0 ? blend(m!, g, betas[1]) : add(mul(between, ratio), mul(g, 1 - ratio));
      return { weight: sub(mul(weight, keep), mul(sign(between), learningRate)), slots: [next] };
    },
  };
}

/** Adds a slot `ema` that follows the weights: ema ← d · ema + (1 − d) · w. It must be set to the weights at the start. */
export function withEma(optimizer: Optimizer, decay: number): Optimizer {
  const averaged = (rule: UpdateRule): UpdateRule => ({
    slots: [...rule.slots, 'ema'],
    update(weight, gradient, slots, numbers) {
      const updated = rule.update(weight, gradient, slots.slice(0, -1), numbers);
      return { weight: updated.weight, slots: [...updated.slots, blend(slots.at(-1)!, updated.weight, decay)] };
    },
  });
  const { matrices } = optimizer;
  return { ...optimizer, ...averaged(optimizer), matrices: matrices && averaged(matrices) };
}
