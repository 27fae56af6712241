import type { DType } from '../../core/index.ts';
import { byteSize, elementCount } from '../../core/index.ts';
import { checkNames, checkOutputs, checkValue, disposedError, missingInput } from '../checks.ts';
import type { Program, ProgramSource, TensorSpec, Value } from '../types.ts';
import { guarded, type InferenceSession, type Tensor } from './engine.ts';
import { ownTensor, TensorValue, type TensorHome } from './tensor-value.ts';

/**
 * A compiled graph behind the engine's JavaScript interface. That interface makes new tensors for outputs in any case
 * (given ones it fills and copies once more), so an output value simply takes the new tensor and lets its old one go:
 * every update is double-buffered by nature.
 */
export class TensorProgram implements Program {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #home: TensorHome;
  readonly #session: InferenceSession;
  readonly #inputIndex: ReadonlyMap<string, number>;
  readonly #outputIndex: ReadonlyMap<string, number>;
  readonly #onDispose: (program: TensorProgram, released: Promise<void>) => void;
  #disposed = false;

  constructor(
    home: TensorHome,
    session: InferenceSession,
    source: ProgramSource,
    onDispose: (program: TensorProgram, released: Promise<void>) => void,
  ) {
    this.#home = home;
    this.#session = session;
    this.#onDispose = onDispose;
    this.inputs = source.inputs;
    this.outputs = source.outputs;
    this.#inputIndex = new Map(source.inputs.map((spec, i) => [spec.name, i]));
    this.#outputIndex = new Map(source.outputs.map((spec, i) => [spec.name, i]));
  }

  async run(
    inputs: Readonly<Record<string, Value>>,
    outputs: Readonly<Record<string, Value>> = {},
  ): Promise<Record<string, Value>> {
    if (this.#disposed) throw disposedError('program');
    checkNames('input', this.#inputIndex, inputs);
    checkNames('output', this.#outputIndex, outputs);
    const taken = this.inputs.map((spec) => {
      const value = inputs[spec.name];
      if (value === undefined) throw missingInput(spec.name, this.inputs);
      checkValue('input', spec, value);
      return ownTensor(this.#home, spec.name, value);
    });
    const given = this.outputs.map((spec) => {
      const value = outputs[spec.name];
      return value === undefined ? undefined : ownTensor(this.#home, spec.name, value);
    });
    checkOutputs(this.outputs, given);
    const used: TensorValue[] = [];
    try {
      for (const value of [...taken, ...given]) {
        if (value === undefined) continue;
        value.holding.use();
        used.push(value);
      }
      return await this.#home.queue.run(() => this.#execute(taken, given));
    } finally {
      for (const value of used) value.holding.letGo();
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#onDispose(
      this,
      this.#home.queue.run(() => this.#session.release()),
    );
  }

  async #execute(
    taken: readonly TensorValue[],
    given: readonly (TensorValue | undefined)[],
  ): Promise<Record<string, Value>> {
    const feeds: Record<string, Tensor> = {};
    for (const [i, spec] of this.inputs.entries()) feeds[spec.name] = taken[i]!.holding.cell.tensor;
    const tensors = await guarded(() => this.#session.run(feeds));
    const results: Record<string, Value> = {};
    for (const [j, spec] of this.outputs.entries()) {
      const tensor = tensors[spec.name]!;
      const shape = [...tensor.dims];
      const dtype = tensor.type as DType;
      const cell = this.#home.memory.cell(tensor, byteSize(dtype) * elementCount(shape));
      const value = given[j];
      if (value === undefined) {
        results[spec.name] = new TensorValue(this.#home, dtype, shape, cell);
      } else {
        try {
          checkValue('output', { ...spec, dtype, shape }, value);
        } catch (error) {
          cell.free();
          throw error;
        }
        value.replace(cell);
        results[spec.name] = value;
      }
    }
    return results;
  }
}
