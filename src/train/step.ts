import { type HostTensor, TrainingError } from '../core/index.ts';
import type { Parameter, Recompute } from '../nn/index.ts';
import type { LoweringDevice } from '../onnx/index.ts';
import type { CompileOptions, Device, Program, Runtime, Value } from '../runtime/types.ts';
import { createArenaStore } from './arena-store.ts';
import { groupOf, type WeightGroups } from './groups.ts';
import type { BatchSignature, Trainable } from './objective.ts';
import type { Optimizer } from './optimizers.ts';
import { FIGURE, GRADIENT, gradientGraph, SEED, type WeightFiles } from './step-graph.ts';
import { createTreeStore } from './tree-store.ts';
import { DeviceNumber, type WeightStore } from './weight-store.ts';

export interface StepOptions {
  readonly optimizer: Optimizer;
  readonly weightDecay: number;
  /** Largest global norm of the gradients; larger ones are scaled down to it. No clipping when absent. */
  readonly clip?: number;
  /** Batches whose gradients are averaged for one update; 1 by default. */
  readonly accumulate?: number;
  /** Which weights are trained; all by default. */
  readonly trains?: (name: string) => boolean;
  /** Which are frozen, and factors on the learning rate; all weights are trained alike by default. */
  readonly groups?: WeightGroups;
  /** See {@link CompileOptions.spinning}; on by default. */
  readonly spinning?: boolean;
  /** Files of weights that are not trained: they are read where they lie, and need no values. */
  readonly frozen?: WeightFiles;
  /** What is computed again in the backward pass; nothing by default. */
  readonly recompute?: Recompute;
  /** Keep all weights in one vector where the runtime can; on by default. */
  readonly arena?: boolean;
}

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

/** Forward, backward and update of one model for batches of one shape. */
export class TrainingStep {
  readonly #options: StepOptions;
  readonly #program: Program;
  readonly #store: WeightStore;
  readonly #frozen: Readonly<Record<string, Value>>;
  readonly #batch: Readonly<Record<string, Value>>;
  readonly #seed: DeviceNumber;
  readonly #scalars: Readonly<Record<string, Value>>;
  readonly #inputs: Readonly<Record<string, Value>>;
  readonly #outputs: Readonly<Record<string, Value>>;

  private constructor(parts: {
    options: StepOptions;
    program: Program;
    store: WeightStore;
    frozen: Record<string, Value>;
    batch: Record<string, Value>;
    seed: DeviceNumber;
    scalars: Record<string, Value>;
  }) {
    this.#options = parts.options;
    this.#program = parts.program;
    this.#store = parts.store;
    this.#frozen = parts.frozen;
    this.#batch = parts.batch;
    this.#seed = parts.seed;
    this.#scalars = parts.scalars;
    const all: Record<string, Value> = {
      ...parts.frozen,
      ...parts.store.weights,
      ...parts.batch,
      [SEED]: parts.seed.value,
    };
    this.#inputs = Object.fromEntries(parts.program.inputs.map(({ name }) => [name, all[name]!]));
    const gradients = Object.entries(parts.store.gradients).map(([name, value]) => [GRADIENT + name, value] as const);
    this.#outputs = { ...parts.scalars, ...Object.fromEntries(gradients) };
  }

  /** Traces, differentiates and compiles. @param weights first values of all weights, by path */
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
    for (const [name, parameter] of parameters) {
      const { train, rate } = groupOf(options.groups, name);
      const trains = train && (options.trains?.(name) ?? true);
      if (!trains && options.frozen?.places.has(name) === true) continue;
      const value = weights[name];
      if (value === undefined)
        throw new TrainingError(`no values for the weight '${name}'`, 'initialize the model or load a checkpoint');
      if (trains) {
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
    };
    const { frozen: files, recompute } = options;
    const graph = gradientGraph(trainable, signature, trained, device, { frozen: files, recompute });
    // Packed copies of weights, one for each of both passes, would be as large as the model.
    const program = await runtime.compile(
      files === undefined ? graph : { ...graph, externalFolder: files.folder },
      files === undefined ? compileOptions : { ...compileOptions, disablePrepacking: true },
    );
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
    const batch: Record<string, Value> = {};
    for (const [name, { dtype, shape }] of Object.entries(signature))
      batch[name] = await runtime.allocate(dtype, shape);
    const scalars: Record<string, Value> = {};
    for (const { name } of program.outputs)
      if (!name.startsWith(GRADIENT)) scalars[name] = await runtime.allocate('float32', []);
    const step = new TrainingStep({
      options,
      program,
      store,
      frozen,
      batch,
      seed: await DeviceNumber.create(runtime, 'int32'),
      scalars,
    });
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
      for (const [name, value] of Object.entries(this.#batch)) {
        const tensor = batch[name];
        if (tensor === undefined)
          throw new TrainingError(
            `the batch has no tensor '${name}'`,
            'the dataset must give what the objective reads',
          );
        await value.write(tensor);
      }
      await this.#seed.set((Math.imul(seed, 0x9e3779b1) + step * batches.length + i) | 0);
      await this.#program.run(this.#inputs, this.#outputs);
      for (const [name, value] of Object.entries(this.#scalars)) {
        sums[name] = (sums[name] ?? 0) + ((await value.read()).data[0] as number) / batches.length;
      }
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
    this.#program.dispose();
    this.#store.dispose();
    this.#seed.value.dispose();
    for (const value of [
      ...Object.values(this.#frozen),
      ...Object.values(this.#batch),
      ...Object.values(this.#scalars),
    ])
      value.dispose();
  }
}
