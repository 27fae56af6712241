import { type HostTensor, TrainingError } from '../core/index.ts';
import type { Parameter, Recompute } from '../nn/index.ts';
import type { LoweringDevice } from '../onnx/index.ts';
import type { CompileOptions, Device, Runtime, Value } from '../runtime/types.ts';
import { createArenaStore } from './arena-store.ts';
import { groupOf, type WeightGroups } from './groups.ts';
import type { BatchSignature, Trainable } from './objective.ts';
import type { Optimizer } from './optimizers.ts';
import { FIGURE, SEED, type WeightFiles } from './step-graph.ts';
import { StepPrograms } from './step-programs.ts';
import { createTreeStore } from './tree-store.ts';
import { DeviceNumber, type WeightStore } from './weight-store.ts';

export interface StepOptions {
  readonly optimizer: Optimizer;
  readonly weightDecay: number;
  /** Largest global norm of the gradients; larger ones are scaled down to it. No clipping when absent. */
  readonly clip?: number;
  /** Batches whose gradients are averaged for one update; 1 by default. */
  readonly accumulate?: number;
  /** Which are frozen, and factors on the learning rate; all weights are trained alike by default. */
  readonly groups?: WeightGroups;
  /** Shapes of batches whose programs are kept; the one not used for longest makes way for another. 8 by default. */
  readonly shapes?: number;
  /** See {@link CompileOptions.spinning}; on by default. */
  readonly spinning?: boolean;
  /** Files of weights that are not trained: they are read where they lie, unless their numbers are given, and need no values. */
  readonly frozen?: WeightFiles;
  /** What is computed again in the backward pass; nothing by default. */
  readonly recompute?: Recompute;
  /** See {@link CompileOptions.pooled}; off by default. */
  readonly pooled?: boolean;
  /** Keep all weights in one vector where the runtime can; on by default. */
  readonly arena?: boolean;
}

/** Prefix of the paths of {@link Trainable.momentum}. */
const MOMENTUM = 'momentum.';

/** Shapes whose programs are kept unless told. */
const SHAPES = 8;

/** What one update reports, averaged over its batches. */
export interface StepResult {
  readonly loss: number;
  readonly figures: Readonly<Record<string, number>>;
  /** Global norm of the averaged gradients before clipping. */
  readonly gradientNorm: number;
}

export function loweringDevice(device: Device): LoweringDevice {
  return device === 'webgpu' ? 'webgpu' : 'cpu';
}

/** Forward, backward and update of one model, for batches of a few shapes. */
export class TrainingStep {
  readonly #options: StepOptions;
  readonly #programs: StepPrograms;
  readonly #store: WeightStore;
  readonly #frozen: Readonly<Record<string, Value>>;
  /** Weights that are read again rather than saved. */
  readonly #held: Readonly<Record<string, Value>>;
  readonly #seed: DeviceNumber;

  private constructor(
    options: StepOptions,
    programs: StepPrograms,
    store: WeightStore,
    { frozen, held }: Readonly<Record<'frozen' | 'held', Readonly<Record<string, Value>>>>,
    seed: DeviceNumber,
  ) {
    this.#options = options;
    this.#programs = programs;
    this.#store = store;
    this.#frozen = frozen;
    this.#held = held;
    this.#seed = seed;
  }

  /**
   * Traces, differentiates and compiles.
   * @param signature of the first batch; others are compiled when they come
   * @param weights first values of all weights, by path
   */
  static async create(
    runtime: Runtime,
    trainable: Trainable,
    signature: BatchSignature,
    weights: Readonly<Record<string, HostTensor>>,
    options: StepOptions,
  ): Promise<TrainingStep> {
    const parameters = trainable.model.parameters();
    const trained = new Map<string, Parameter>();
    const rates = new Map<string, number>();
    const frozen: Record<string, Value> = {};
    const held: Record<string, Value> = {};
    for (const [name, parameter] of parameters) {
      const { train, rate } = groupOf(options.groups, name);
      const numbers = train ? undefined : options.frozen?.numbers?.get(name);
      if (numbers !== undefined) {
        held[name] = await runtime.allocate(numbers.dtype, numbers.shape, numbers);
        continue;
      }
      if (!train && options.frozen?.places.has(name) === true) continue;
      const value = weights[name];
      if (value === undefined)
        throw new TrainingError(`no values for the weight '${name}'`, 'initialize the model or load a checkpoint');
      if (train) {
        trained.set(name, parameter);
        rates.set(name, rate);
      } else frozen[name] = await runtime.allocate(value.dtype, value.shape, value);
    }
    if (trained.size === 0) throw new TrainingError('there is nothing to train', 'let at least one weight be trained');
    const device = loweringDevice(runtime.device);
    const compileOptions: CompileOptions = {
      optimization: 'disabled',
      memoryPattern: false,
      spinning: options.spinning ?? true,
      pooled: options.pooled ?? false,
    };
    const context = {
      runtime,
      device,
      optimizer: options.optimizer,
      trained,
      rates,
      accumulates: (options.accumulate ?? 1) > 1,
      compileOptions,
    };
    const arena = (options.arena ?? true) && runtime.allocateArena !== undefined;
    const store = arena ? await createArenaStore(context) : await createTreeStore(context);
    const seed = await DeviceNumber.create(runtime, 'int32');
    const inputs = {
      ...held,
      ...frozen,
      ...store.weights,
      ...momentumInputs(trainable, store, frozen),
      [SEED]: seed.value,
    };
    const { gradients } = store;
    const programs = new StepPrograms(
      {
        runtime,
        device,
        trainable,
        trained,
        compileOptions,
        inputs,
        gradients,
        frozen: options.frozen,
        recompute: options.recompute,
      },
      options.shapes ?? SHAPES,
    );
    const step = new TrainingStep(options, programs, store, { frozen, held }, seed);
    await programs.prepare(signature);
    await step.writeWeights(weights);
    return step;
  }

  /**
   * Takes one step.
   * @param batches as many as are accumulated
   * @param step updates made so far; with `seed` it decides the numbers of random layers
   */
  async run(
    batches: readonly Readonly<Record<string, HostTensor>>[],
    { step, seed, learningRate }: { step: number; seed: number; learningRate: number },
  ): Promise<StepResult> {
    const sums: Record<string, number> = {};
    for (const [i, batch] of batches.entries()) {
      await this.#seed.set((Math.imul(seed, 0x9e3779b1) + step * batches.length + i) | 0);
      const results = await this.#programs.run(batch);
      for (const [name, value] of Object.entries(results)) sums[name] = (sums[name] ?? 0) + value / batches.length;
      if (batches.length > 1) await this.#store.accumulate(i === 0);
    }
    const { loss, ...figures } = sums;
    const gradientNorm = (await this.#store.gradientNorm()) / batches.length;
    const { clip, weightDecay } = this.#options;
    const clipping = clip !== undefined && gradientNorm > clip ? clip / gradientNorm : 1;
    // A step on numbers that are not finite would spoil the weights; the caller decides what to do.
    if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) {
      await this.#store.update({ learningRate, weightDecay, gradientScale: clipping / batches.length, step });
    }
    const named = Object.entries(figures).map(([name, value]) => [name.slice(FIGURE.length), value] as const);
    return { loss: loss!, figures: Object.fromEntries(named), gradientNorm };
  }

  /** Programs compiled so far: one for each shape of batches, and again for those that had made way for others. */
  get compiled(): number {
    return this.#programs.compiled;
  }

  /** Values of all weights, copied to the host; trained ones from slot `ema` with `average`. */
  async readWeights(average = false): Promise<Record<string, HostTensor>> {
    const weights: Record<string, HostTensor> = {};
    const trained = average ? (this.#store.slots['ema'] ?? this.#store.weights) : this.#store.weights;
    for (const [name, value] of Object.entries({ ...this.#frozen, ...trained })) weights[name] = await value.read();
    return weights;
  }

  /** Sets weights; a slot `ema` starts from them too. */
  async writeWeights(weights: Readonly<Record<string, HostTensor>>): Promise<void> {
    for (const [name, value] of Object.entries({ ...this.#frozen, ...this.#store.weights }))
      await value.write(weights[name]!);
    for (const [name, value] of Object.entries(this.#store.slots['ema'] ?? {})) await value.write(weights[name]!);
  }

  /** The optimizer's state as tensors called `slot:weight`. */
  async readOptimizer(): Promise<Record<string, HostTensor>> {
    const state: Record<string, HostTensor> = {};
    for (const [slot, values] of Object.entries(this.#store.slots)) {
      for (const [name, value] of Object.entries(values)) state[`${slot}:${name}`] = await value.read();
    }
    return state;
  }

  /** @throws TrainingError when a tensor is missing */
  async writeOptimizer(state: Readonly<Record<string, HostTensor>>): Promise<void> {
    for (const [slot, values] of Object.entries(this.#store.slots)) {
      for (const [name, value] of Object.entries(values)) {
        const tensor = state[`${slot}:${name}`];
        if (tensor === undefined) {
          throw new TrainingError(
            `the checkpoint has no optimizer state '${slot}:${name}'`,
            'resume with the optimizer of the run',
          );
        }
        await value.write(tensor);
      }
    }
  }

  dispose(): void {
    this.#programs.dispose();
    this.#store.dispose();
    this.#seed.value.dispose();
    for (const value of [...Object.values(this.#frozen), ...Object.values(this.#held)]) value.dispose();
  }
}

/** What the model of averaged weights reads, by its own names. @throws TrainingError without averages */
function momentumInputs(
  { momentum }: Trainable,
  store: WeightStore,
  frozen: Readonly<Record<string, Value>>,
): Record<string, Value> {
  if (momentum === undefined) return {};
  const averages = store.slots['ema'];
  if (averages === undefined)
    throw new TrainingError('momentum distillation needs averaged weights', 'set a decay for them: ema, e.g. 0.995');
  return Object.fromEntries(
    [...momentum.parameters().keys()].map((path) => {
      const name = path.slice(MOMENTUM.length);
      return [path, (averages[name] ?? frozen[name])!];
    }),
  );
}
