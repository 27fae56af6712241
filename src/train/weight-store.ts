import { hostTensor, type HostTensor } from '../core/index.ts';
import type { Parameter } from '../nn/index.ts';
import type { LoweringDevice } from '../onnx/index.ts';
import type { CompileOptions, Program, Runtime, Value } from '../runtime/types.ts';
import type { Optimizer } from './optimizers.ts';

/** The numbers of one update. */
export interface UpdateNumbers {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly gradientScale: number;
  /** Updates made before this one. */
  readonly step: number;
}

/** Weights, gradients and optimizer state on a device, and the programs that work on them. */
export interface WeightStore {
  /** What a gradient program reads, by weight. */
  readonly weights: Readonly<Record<string, Value>>;
  /** What it writes, by weight. */
  readonly gradients: Readonly<Record<string, Value>>;
  /** Adds the gradients to a running sum that {@link update} then uses; `first` starts a new sum. */
  accumulate(first: boolean): Promise<void>;
  /** Global norm of the gradients, or of their sum. */
  gradientNorm(): Promise<number>;
  update(numbers: UpdateNumbers): Promise<void>;
  /** The optimizer's tensors: for each slot a value per weight that has it. */
  readonly slots: Readonly<Record<string, Readonly<Record<string, Value>>>>;
  dispose(): void;
}

/** What stores are made from. */
export interface StoreContext {
  readonly runtime: Runtime;
  readonly device: LoweringDevice;
  readonly optimizer: Optimizer;
  readonly trained: ReadonlyMap<string, Parameter>;
  /** Factor on the learning rate of each trained weight; 1 where none is given. */
  readonly rates: ReadonlyMap<string, number>;
  readonly compileOptions: CompileOptions;
  /** Whether a running sum is needed. */
  readonly accumulates: boolean;
}

/** A scalar that stays on the device and is written when its number changes. */
export class DeviceNumber {
  readonly value: Value;
  #current = Number.NaN;

  private constructor(value: Value) {
    this.value = value;
  }

  static async create(runtime: Runtime, dtype: 'float32' | 'float64' | 'int32' = 'float32'): Promise<DeviceNumber> {
    return new DeviceNumber(await runtime.allocate(dtype, []));
  }

  async set(number: number): Promise<void> {
    if (Object.is(number, this.#current)) return;
    const tensor: HostTensor = hostTensor(this.value.dtype, []);
    (tensor.data as Float32Array)[0] = number;
    await this.value.write(tensor);
    this.#current = number;
  }
}

type SharedName = 'gradientScale' | 'correction1' | 'correction2' | 'keep:plain';

/** The learning rate of weights whose factor it has, and what decay leaves of them. */
interface RateNumbers {
  readonly learningRate: DeviceNumber;
  readonly decayed: DeviceNumber;
}

/** Name of an update's input where there is one for each factor on the learning rate. */
export function rateInput(name: 'learningRate' | 'keep:decayed', rate: number): string {
  return rate === 1 ? name : `${name}:${rate}`;
}

/** The scalars that all updates share. */
export class UpdateScalars {
  readonly #shared: Readonly<Record<SharedName, DeviceNumber>>;
  readonly #rates: ReadonlyMap<number, RateNumbers>;
  readonly #betas: readonly [number, number];

  private constructor(
    shared: Readonly<Record<SharedName, DeviceNumber>>,
    rates: ReadonlyMap<number, RateNumbers>,
    betas: readonly [number, number],
  ) {
    this.#shared = shared;
    this.#rates = rates;
    this.#betas = betas;
  }

  /** @param factors on the learning rate */
  static async create(runtime: Runtime, optimizer: Optimizer, factors: Iterable<number>): Promise<UpdateScalars> {
    const make = (): Promise<DeviceNumber> => DeviceNumber.create(runtime);
    const shared = {
      gradientScale: await make(),
      correction1: await make(),
      correction2: await make(),
      'keep:plain': await make(),
    };
    const rates = new Map<number, RateNumbers>();
    for (const rate of new Set(factors)) rates.set(rate, { learningRate: await make(), decayed: await make() });
    return new UpdateScalars(shared, rates, optimizer.betas);
  }

  async set({ learningRate, weightDecay, gradientScale, step }: UpdateNumbers): Promise<void> {
    const shared = this.#shared;
    await shared.gradientScale.set(gradientScale);
    await shared.correction1.set(1 / (1 - this.#betas[0] ** (step + 1)));
    await shared.correction2.set(1 / (1 - this.#betas[1] ** (step + 1)));
    await shared['keep:plain'].set(1);
    for (const [rate, numbers] of this.#rates) {
      await numbers.learningRate.set(learningRate * rate);
      await numbers.decayed.set(1 - learningRate * rate * weightDecay);
    }
  }

  dispose(): void {
    for (const { value } of Object.values(this.#shared)) value.dispose();
    for (const { learningRate, decayed } of this.#rates.values()) {
      learningRate.value.dispose();
      decayed.value.dispose();
    }
  }

  /** Those of the inputs that a program takes. @param group the one that all its weights are of, where it knows no names */
  inputs(program: Program, group?: { readonly decay: boolean; readonly rate: number }): Record<string, Value> {
    const all: Record<string, Value> = {};
    for (const [name, { value }] of Object.entries(this.#shared)) all[name] = value;
    for (const [rate, { learningRate, decayed }] of this.#rates) {
      all[rateInput('learningRate', rate)] = learningRate.value;
      all[rateInput('keep:decayed', rate)] = decayed.value;
    }
    if (group !== undefined) {
      const { learningRate, decayed } = this.#rates.get(group.rate)!;
      all['learningRate'] = learningRate.value;
      all['keep'] = group.decay ? decayed.value : this.#shared['keep:plain'].value;
    }
    return Object.fromEntries(
      program.inputs.flatMap(({ name }) => (all[name] === undefined ? [] : [[name, all[name]]])),
    );
  }
}
