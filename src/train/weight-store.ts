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
  /** The optimizer's tensors: for each slot a value per weight. */
  readonly slots: Readonly<Record<string, Readonly<Record<string, Value>>>>;
  dispose(): void;
}

/** What stores are made from. */
export interface StoreContext {
  readonly runtime: Runtime;
  readonly device: LoweringDevice;
  readonly optimizer: Optimizer;
  readonly trained: ReadonlyMap<string, Parameter>;
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

type ScalarTable = Readonly<
  Record<'learningRate' | 'gradientScale' | 'correction1' | 'correction2' | 'decayed' | 'plain', DeviceNumber>
>;

/** The scalars that all updates share. */
export class UpdateScalars {
  readonly #numbers: ScalarTable;
  readonly #betas: readonly [number, number];

  private constructor(numbers: ScalarTable, betas: readonly [number, number]) {
    this.#numbers = numbers;
    this.#betas = betas;
  }

  static async create(runtime: Runtime, optimizer: Optimizer): Promise<UpdateScalars> {
    const make = (): Promise<DeviceNumber> => DeviceNumber.create(runtime);
    return new UpdateScalars(
      {
        learningRate: await make(),
        gradientScale: await make(),
        correction1: await make(),
        correction2: await make(),
        decayed: await make(),
        plain: await make(),
      },
      optimizer.betas,
    );
  }

  async set({ learningRate, weightDecay, gradientScale, step }: UpdateNumbers): Promise<void> {
    const numbers = this.#numbers;
    await numbers.learningRate.set(learningRate);
    await numbers.gradientScale.set(gradientScale);
    await numbers.correction1.set(1 / (1 - this.#betas[0] ** (step + 1)));
    await numbers.correction2.set(1 / (1 - this.#betas[1] ** (step + 1)));
    await numbers.decayed.set(1 - learningRate * weightDecay);
    await numbers.plain.set(1);
  }

  dispose(): void {
    for (const { value } of Object.values(this.#numbers)) value.dispose();
  }

  /** Those of the inputs that a program takes. */
  inputs(program: Program, group?: 'decayed' | 'plain'): Record<string, Value> {
    const { learningRate, gradientScale, correction1, correction2, decayed, plain } = this.#numbers;
    const all: Record<string, Value> = {
      learningRate: learningRate.value,
      gradientScale: gradientScale.value,
      correction1: correction1.value,
      correction2: correction2.value,
      'keep:decayed': decayed.value,
      'keep:plain': plain.value,
    };
    if (group !== undefined) all['keep'] = this.#numbers[group].value;
    return Object.fromEntries(
      program.inputs.flatMap(({ name }) => (all[name] === undefined ? [] : [[name, all[name]]])),
    );
  }
}
