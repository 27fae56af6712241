import { gradients } from '../autodiff/index.ts';
import type { HostTensor } from '../core/index.ts';
import { add, cast, input, reduceSum, sqrt, mul, type Tensor } from '../graph/index.ts';
import { inTraining, type Parameter, type Recompute } from '../nn/index.ts';
import { type ExternalData, lower, type LoweredGraph, type LoweringDevice } from '../onnx/index.ts';
import type { BatchSignature, Trainable } from './objective.ts';
import { type Optimizer, ruleOf, type StepNumbers, type UpdateRule } from './optimizers.ts';
import { rateInput } from './weight-store.ts';

/** Name of the graph input that random layers draw from; scalar int32. */
export const SEED = 'step_seed';
/** Prefix of gradient outputs. */
export const GRADIENT = 'gradient:';
export const FIGURE = 'figure:';

/** Where frozen weights lie, which are read in place. */
export interface WeightFiles {
  /** Real path of the folder with the files. */
  readonly folder: string;
  /** By path of the parameter. */
  readonly places: ReadonlyMap<string, ExternalData>;
  /** Numbers of those that are not read from their files. They are no part of checkpoints. */
  readonly numbers?: ReadonlyMap<string, HostTensor>;
}

/** How a gradient program is made. */
export interface GradientGraphOptions {
  /** Where weights that are not trained are; those that are in no file become inputs. */
  readonly frozen?: WeightFiles | undefined;
  readonly recompute?: Recompute | undefined;
}

interface TracedLoss {
  readonly outputs: Record<string, Tensor>;
  readonly gradients: ReadonlyMap<string, Tensor>;
}

function traceLoss(
  trainable: Trainable,
  batch: BatchSignature,
  trained: ReadonlyMap<string, Parameter>,
  recompute: Recompute | undefined,
): TracedLoss {
  const inputs: Record<string, Tensor> = {};
  for (const [name, { dtype, shape }] of Object.entries(batch)) inputs[name] = input(name, dtype, shape);
  const { loss, figures } = inTraining(input(SEED, 'int32', []), () => trainable.loss(inputs), recompute);
  const names = [...trained.keys()];
  const grads = gradients(
    loss,
    [...trained.values()].map((parameter) => parameter.tensor),
  );
  const outputs: Record<string, Tensor> = { loss };
  for (const [name, figure] of Object.entries(figures)) outputs[FIGURE + name] = figure;
  return { outputs, gradients: new Map(names.map((name, i) => [name, grads[i]!])) };
}

/** All that a step computes before its update, to be looked at: loss, figures, and the gradient of every trained weight. */
export function tracedStep(
  trainable: Trainable,
  batch: BatchSignature,
  trained: ReadonlyMap<string, Parameter>,
  recompute?: Recompute,
): Tensor[] {
  const traced = traceLoss(trainable, batch, trained, recompute);
  return [...Object.values(traced.outputs), ...traced.gradients.values()];
}

/** Loss, figures and the gradient of every trained weight. */
export function gradientGraph(
  trainable: Trainable,
  batch: BatchSignature,
  trained: ReadonlyMap<string, Parameter>,
  device: LoweringDevice,
  { frozen, recompute }: GradientGraphOptions = {},
): LoweredGraph {
  const traced = traceLoss(trainable, batch, trained, recompute);
  const outputs = { ...traced.outputs };
  for (const [name, gradient] of traced.gradients) outputs[GRADIENT + name] = gradient;
  const external = (name: string): ExternalData | undefined =>
    trained.has(name) || frozen?.numbers?.has(name) === true ? undefined : frozen?.places.get(name);
  return lower(outputs, { device, external, training: true });
}

/** Loss and figures only, for evaluation during training. */
export function lossGraph(trainable: Trainable, batch: BatchSignature, device: LoweringDevice): LoweredGraph {
  const inputs: Record<string, Tensor> = {};
  for (const [name, { dtype, shape }] of Object.entries(batch)) inputs[name] = input(name, dtype, shape);
  const { loss, figures } = trainable.loss(inputs);
  const outputs: Record<string, Tensor> = { loss };
  for (const [name, figure] of Object.entries(figures)) outputs[FIGURE + name] = figure;
  return lower(outputs, { device });
}

function numberInput(name: string): Tensor {
  return input(name, 'float32', []);
}

function stepNumbers(keep: string): StepNumbers {
  return {
    learningRate: numberInput('learningRate'),
    keep: numberInput(keep),
    gradientScale: numberInput('gradientScale'),
    correction1: numberInput('correction1'),
    correction2: numberInput('correction2'),
  };
}

/** One update of a tensor, to be looked at or lowered: `weight`, `gradient` and a tensor per slot in; the new weight and slots out. */
export function tracedUpdate(rule: UpdateRule, shape: readonly number[]): Record<string, Tensor> {
  const tensor = (name: string): Tensor => input(name, 'float32', shape);
  const updated = rule.update(tensor('weight'), tensor('gradient'), rule.slots.map(tensor), stepNumbers('keep'));
  const outputs: Record<string, Tensor> = { 'new:weight': updated.weight };
  rule.slots.forEach((slot, i) => (outputs[`new:${slot}`] = updated.slots[i]!));
  return outputs;
}

/** One update of a tensor: of many weights as one vector, or of a matrix. */
export function updateGraph(rule: UpdateRule, shape: readonly number[], device: LoweringDevice): LoweredGraph {
  return lower(tracedUpdate(rule, shape), { device });
}

/** Σ x² of a vector, added to what earlier vectors gave. */
export function squaredNormGraph(length: number, device: LoweringDevice): LoweredGraph {
  const x = input('gradient', 'float32', [length]);
  // One chunk is short enough for float32; the chunks are added up in double precision.
  const sum = cast(reduceSum(mul(x, x)), 'float64');
  return lower({ sum: add(input('before', 'float64', []), sum) }, { device });
}

/** sum ← sum + gradient, for accumulation over several batches. */
export function accumulateGraph(length: number, device: LoweringDevice): LoweredGraph {
  const vector = (name: string): Tensor => input(name, 'float32', [length]);
  return lower({ 'new:sum': add(vector('sum'), vector('gradient')) }, { device });
}

/** Updates of all weights in one program, for engines that cannot treat them as one vector. */
export function treeUpdateGraph(
  optimizer: Optimizer,
  trained: ReadonlyMap<string, Parameter>,
  rates: ReadonlyMap<string, number>,
  device: LoweringDevice,
): LoweredGraph {
  const outputs: Record<string, Tensor> = {};
  const plain = stepNumbers('keep:plain');
  const scalars = new Map<string, Tensor>([['learningRate', plain.learningRate]]);
  const scalar = (name: string): Tensor => {
    const made = scalars.get(name) ?? numberInput(name);
    scalars.set(name, made);
    return made;
  };
  for (const [name, parameter] of trained) {
    const rate = rates.get(name) ?? 1;
    const learningRate = scalar(rateInput('learningRate', rate));
    const keep = parameter.decay ? scalar(rateInput('keep:decayed', rate)) : plain.keep;
    const tensor = (prefix: string): Tensor => input(`${prefix}:${name}`, 'float32', parameter.shape);
    const rule = ruleOf(optimizer, parameter);
    const slots = rule.slots.map((slot) => tensor(slot));
    const updated = rule.update(tensor('weight'), tensor('gradient'), slots, { ...plain, learningRate, keep });
    outputs[`new:weight:${name}`] = updated.weight;
    rule.slots.forEach((slot, i) => (outputs[`new:${slot}:${name}`] = updated.slots[i]!));
  }
  return lower(outputs, { device });
}

/** Global norm of all gradients, for engines that cannot treat them as one vector. */
export function treeNormGraph(trained: ReadonlyMap<string, Parameter>, device: LoweringDevice): LoweredGraph {
  const sums = [...trained].map(([name, { shape }]) => {
    const gradient = input(`gradient:${name}`, 'float32', shape);
    return reduceSum(mul(gradient, gradient));
  });
  return lower({ norm: sqrt(sums.reduce((a, b) => add(a, b))) }, { device });
}

/** Running sums of all gradients, for engines that cannot treat them as one vector. */
export function treeAccumulateGraph(trained: ReadonlyMap<string, Parameter>, device: LoweringDevice): LoweredGraph {
  const outputs: Record<string, Tensor> = {};
  for (const [name, { shape }] of trained) {
    outputs[`new:sum:${name}`] = add(
      input(`sum:${name}`, 'float32', shape),
      input(`gradient:${name}`, 'float32', shape),
    );
  }
  return lower(outputs, { device });
}
