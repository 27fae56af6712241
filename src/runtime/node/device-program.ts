import koffi from 'koffi';
import { checkNames, checkOutputs, checkValue, disposedError, missingInput, staticShape } from '../checks.ts';
import type { Program, ProgramSource, TensorSpec, Value } from '../types.ts';
import { runBound } from './bound-run.ts';
import type { Cell } from './device-memory.ts';
import { DeviceValue, ownValue, type ValueHome } from './device-value.ts';
import { allocateWords, freeWords, type EngineLibrary, type Pointer, type Words } from './engine-library.ts';
import { Pace } from './pace.ts';

/** Arguments of the C API's Run, in native memory that lives as long as the program. */
export interface CallArguments {
  readonly inputNames: Words;
  readonly outputNames: Words;
  /** Handles of all inputs, then of all outputs. */
  readonly handles: Words;
  readonly inputs: number;
  readonly outputs: number;
}

/** A compiled graph of the C API backend. */
export class DeviceProgram implements Program {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly #home: ValueHome;
  readonly #engine: EngineLibrary;
  readonly #session: Pointer;
  readonly #inPlace: boolean;
  readonly #call: CallArguments;
  readonly #strings: Pointer[] = [];
  readonly #inputIndex: ReadonlyMap<string, number>;
  readonly #outputIndex: ReadonlyMap<string, number>;
  readonly #outputShapes: (readonly number[] | undefined)[];
  /** Ids of the values of the last run, 0 for none: what was checked once need not be checked again. */
  readonly #known: Float64Array;
  /** For each output of the last run: 1 where it shares memory with an input and so must be double-buffered. */
  readonly #buffered: Uint8Array;
  readonly #onDispose: (program: DeviceProgram) => void;
  readonly #pace: Pace;
  #disposed = false;

  constructor(
    home: ValueHome,
    engine: EngineLibrary,
    session: Pointer,
    source: ProgramSource,
    inPlace: boolean,
    onDispose: (program: DeviceProgram) => void,
  ) {
    this.#home = home;
    this.#engine = engine;
    this.#session = session;
    this.#inPlace = inPlace && home.memory.allowsInPlace;
    this.#onDispose = onDispose;
    this.#pace = new Pace(engine);
    this.inputs = source.inputs;
    this.outputs = source.outputs;
    this.#inputIndex = new Map(source.inputs.map((spec, i) => [spec.name, i]));
    this.#outputIndex = new Map(source.outputs.map((spec, i) => [spec.name, i]));
    this.#outputShapes = source.outputs.map(staticShape);
    const count = source.inputs.length + source.outputs.length;
    this.#known = new Float64Array(count);
    this.#buffered = new Uint8Array(source.outputs.length);
    this.#call = {
      inputNames: this.#names(source.inputs),
      outputNames: this.#names(source.outputs),
      handles: allocateWords(count),
      inputs: source.inputs.length,
      outputs: source.outputs.length,
    };
  }

  async run(
    inputs: Readonly<Record<string, Value>>,
    outputs: Readonly<Record<string, Value>> = {},
  ): Promise<Record<string, Value>> {
    if (this.#disposed) throw disposedError('program');
    const taken = this.inputs.map((spec) => {
      const value = inputs[spec.name];
      if (value === undefined) throw missingInput(spec.name, this.inputs);
      return ownValue(this.#home, spec.name, value);
    });
    const given = this.outputs.map((spec) => {
      const value = outputs[spec.name];
      return value === undefined ? undefined : ownValue(this.#home, spec.name, value);
    });
    if (this.#changed(taken, given)) this.#check(inputs, outputs, taken, given);
    // From here on the values' memory stays, even if they are disposed of while this run waits for its turn.
    const used: DeviceValue[] = [];
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
    this.#onDispose(this);
    void this.#home.queue.run(() => {
      this.#engine.release('ReleaseSession', this.#session);
      for (const string of this.#strings) koffi.free(string);
      for (const words of [this.#call.inputNames, this.#call.outputNames, this.#call.handles]) freeWords(words);
    });
  }

  async #execute(
    taken: readonly DeviceValue[],
    given: readonly (DeviceValue | undefined)[],
  ): Promise<Record<string, Value>> {
    const { memory } = this.#home;
    const { handles, inputs } = this.#call;
    if (this.#changed(taken, given)) this.#plan(taken, given);
    for (let i = 0; i < inputs; i++) handles.words[i] = taken[i]!.holding.cell.handle;
    // The cell that each output is written to; undefined where the engine makes one.
    const targets: (Cell | undefined)[] = [];
    let made = 0;
    try {
      for (const [j, spec] of this.outputs.entries()) {
        const value = given[j];
        const shape = this.#outputShapes[j];
        let cell: Cell | undefined;
        if (value !== undefined) {
          cell =
            this.#buffered[j] === 1
              ? (value.holding.spare ??= memory.allocate(value.dtype, value.shape))
              : value.holding.cell;
        } else if (shape !== undefined) {
          cell = memory.allocate(spec.dtype, shape);
          made++;
        }
        targets.push(cell);
        handles.words[inputs + j] = cell?.handle ?? 0n;
      }
      const device = memory.outputs;
      if (device !== undefined && targets.includes(undefined)) {
        await runBound(this.#engine, this.#session, this.inputs, this.outputs, handles, device);
      } else {
        await this.#pace.perform(this.#home.breath, (call) => {
          const { inputNames, outputNames, outputs } = this.#call;
          const results = handles.pointer + BigInt(inputs * 8);
          return call(
            'Run',
            this.#session,
            null,
            inputNames.pointer,
            handles.pointer,
            inputs,
            outputNames.pointer,
            outputs,
            results,
          );
        });
      }
    } catch (error) {
      if (made > 0) for (const [j, cell] of targets.entries()) if (given[j] === undefined) cell?.free();
      throw error;
    }
    return this.#results(given, targets);
  }

  async #results(
    given: readonly (DeviceValue | undefined)[],
    targets: readonly (Cell | undefined)[],
  ): Promise<Record<string, Value>> {
    const { memory } = this.#home;
    const results: Record<string, Value> = {};
    for (const [j, spec] of this.outputs.entries()) {
      const value = given[j];
      const cell = targets[j];
      if (value !== undefined) {
        if (this.#buffered[j] === 1) {
          const { holding } = value;
          if (value.fixed) await memory.copy(holding.spare!, holding.cell);
          else [holding.cell, holding.spare] = [holding.spare!, holding.cell];
        }
        results[spec.name] = value;
      } else if (cell !== undefined) {
        results[spec.name] = new DeviceValue(this.#home, spec.dtype, this.#outputShapes[j]!, cell);
      } else {
        const made = memory.adopt(this.#call.handles.words[this.#call.inputs + j]!);
        results[spec.name] = new DeviceValue(this.#home, made.dtype, made.shape, made.cell);
      }
    }
    return results;
  }

  /** Whether these are other values than those of the last run. */
  #changed(taken: readonly DeviceValue[], given: readonly (DeviceValue | undefined)[]): boolean {
    const known = this.#known;
    const inputs = taken.length;
    for (let i = 0; i < inputs; i++) if (known[i] !== taken[i]!.id) return true;
    for (let j = 0; j < given.length; j++) if (known[inputs + j] !== (given[j]?.id ?? 0)) return true;
    // A program with no inputs whose outputs are all new has nothing to be known by, and nothing to be checked.
    return false;
  }

  #check(
    inputs: object,
    outputs: object,
    taken: readonly DeviceValue[],
    given: readonly (DeviceValue | undefined)[],
  ): void {
    checkNames('input', this.#inputIndex, inputs);
    checkNames('output', this.#outputIndex, outputs);
    for (const [i, value] of taken.entries()) checkValue('input', this.inputs[i]!, value);
    checkOutputs(this.outputs, given);
  }

  /** Finds the outputs that share memory with an input. */
  #plan(taken: readonly DeviceValue[], given: readonly (DeviceValue | undefined)[]): void {
    this.#buffered.fill(0);
    if (!this.#inPlace) {
      const mark = ++lastMark;
      for (const value of taken) value.holding.cell.root.mark = mark;
      for (const [j, value] of given.entries()) {
        if (value === undefined) continue;
        const { cell } = value.holding;
        if (cell.root.mark !== mark) continue;
        const shared = !cell.root.shared || taken.some((other) => overlap(cell, other.holding.cell));
        if (shared) this.#buffered[j] = 1;
      }
    }
    for (const [i, value] of taken.entries()) this.#known[i] = value.id;
    for (const [j, value] of given.entries()) this.#known[taken.length + j] = value?.id ?? 0;
  }

  /** An array of C strings. */
  #names(specs: readonly TensorSpec[]): Words {
    const names = allocateWords(specs.length);
    for (const [i, spec] of specs.entries()) {
      const bytes = new TextEncoder().encode(`${spec.name}\0`);
      const pointer = koffi.alloc('uint8_t', bytes.length) as Pointer;
      new Uint8Array(koffi.view(pointer, bytes.length) as ArrayBuffer).set(bytes);
      this.#strings.push(pointer);
      names.words[i] = pointer;
    }
    return names;
  }
}

let lastMark = 0;

function overlap(a: Cell, b: Cell): boolean {
  return a.root === b.root && a.start < b.start + b.bytes && b.start < a.start + a.bytes;
}
