import { hostTensor } from '../core/index.ts';
import { reachableNodes, type Tensor } from '../graph/index.ts';
import type { Module } from '../nn/index.ts';
import type { Program, Runtime, Value } from '../runtime/types.ts';
import { compileFromFiles, type ModelWeights } from './compile.ts';
import {
  changeKey,
  checkChanges,
  type LayerChange,
  type LayerChanges,
  changeValues,
  withRoomForChanges,
  withRoomForRows,
} from './layer-changes.ts';

/** What whoever runs the program holds on to. Give it back: what nobody holds is freed once it is replaced. */
export class ProgramLease {
  readonly program: Program;
  /** Values of inputs that come from adapters. */
  readonly values: Readonly<Record<string, Value>>;
  /** Differs after every exchange of adapters. */
  readonly version: number;
  readonly #end: () => void;
  #ended = false;

  constructor(program: Program, values: Readonly<Record<string, Value>>, version: number, end: () => void) {
    this.program = program;
    this.values = values;
    this.version = version;
    this.#end = end;
  }

  end(): void {
    if (!this.#ended) this.#end();
    this.#ended = true;
  }
}

/** Frees something when its last holder has let go. */
class Held<T> {
  readonly thing: T;
  readonly #free: () => void;
  #holders = 1;

  constructor(thing: T, free: () => void) {
    this.thing = thing;
    this.#free = free;
  }

  hold(): void {
    this.#holders++;
  }

  letGo(): void {
    if (--this.#holders === 0) this.#free();
  }
}

/** What is traced and compiled. */
export interface AdaptableSource {
  readonly runtime: Runtime;
  readonly model: { modules(): Map<string, Module> };
  readonly weights: ModelWeights;
  /** Traces the outputs; called again whenever other layers are changed. */
  readonly outputs: () => Readonly<Record<string, Tensor>>;
  readonly inPlace?: boolean;
  /** As in {@link compileFromFiles}. */
  readonly exact?: boolean;
}

/**
 * A program of a loaded model to which adapters can be added and taken away. Weights stay where they are. Adapters that
 * change the same layers are exchanged as values; for other layers the program is compiled anew.
 */
export class AdaptableProgram {
  readonly #source: AdaptableSource;
  /** Names of the weights that the program reads. */
  readonly #reads: ReadonlySet<string>;
  #key: string;
  #program: Held<Program>;
  #values: Held<Readonly<Record<string, Value>>>;
  #version = 0;
  /** The program with room for what single runs were given, and for which layers that is. */
  #guest: { readonly key: string; readonly program: Held<Program> } | undefined;
  /** Nothing but zeros, for each layer that some run changed. */
  readonly #unchanged = new Map<string, LayerChange>();
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(source: AdaptableSource, reads: ReadonlySet<string>, program: Program) {
    this.#source = source;
    this.#reads = reads;
    this.#key = '';
    this.#program = new Held(program, () => program.dispose());
    this.#values = new Held({}, () => {});
  }

  /** @throws DeviceError when the engine refuses the program */
  static async create(source: AdaptableSource): Promise<AdaptableProgram> {
    const { runtime, weights, inPlace = false, exact = false } = source;
    const outputs = source.outputs();
    const reads = new Set<string>();
    for (const { op, attributes } of reachableNodes(Object.values(outputs)))
      if (op === 'parameter') reads.add((attributes as { reference: { name: string } }).reference.name);
    return new AdaptableProgram(source, reads, await compileFromFiles(runtime, outputs, weights, { inPlace, exact }));
  }

  /** Differs after every exchange of adapters that this program has a part in. */
  get version(): number {
    return this.#version;
  }

  /** Changes to layers that this program reads. @throws GenerationError when a layer has another shape */
  partOf(changes: LayerChanges): LayerChanges {
    const own = new Map([...changes].filter(([path]) => this.#reads.has(`${path}.weight`)));
    checkChanges(this.#source.model, own);
    return own;
  }

  /** As it would be with room for a choice of changes in each row, see {@link withRoomForRows}. @throws DeviceError */
  async compileForRows(layers: ReadonlyMap<string, boolean>): Promise<Program> {
    const { runtime, model, weights, outputs, inPlace = false } = this.#source;
    return await compileFromFiles(runtime, withRoomForRows(model, layers, outputs), weights, { inPlace });
  }

  /** The program as it is now; it stays so for whoever holds it. */
  lease(): ProgramLease {
    const [program, values] = [this.#program, this.#values];
    program.hold();
    values.hold();
    return new ProgramLease(program.thing, values.thing, this.#version, () => {
      program.letGo();
      values.letGo();
    });
  }

  /**
   * A program with these changes and no others, for single runs among those of {@link lease}. One program serves them all,
   * with zeros where one of them leaves a layer as it is that another one changed.
   * @throws DeviceError when the engine refuses it
   */
  async leaseFor(changes: LayerChanges): Promise<ProgramLease> {
    const own = this.partOf(changes);
    if (own.size === 0) return this.lease();
    const before = this.#turn;
    const lease = (async () => {
      await before;
      return await this.#leaseGuest(own);
    })();
    this.#turn = lease.catch(() => undefined);
    return await lease;
  }

  async #leaseGuest(own: LayerChanges): Promise<ProgramLease> {
    for (const [path, change] of own) {
      const stretches = change.stretch !== undefined || this.#unchanged.get(path)?.stretch !== undefined;
      this.#unchanged.set(path, zerosLike(change, stretches));
    }
    const padded = new Map(
      [...this.#unchanged].map(([path, zeros]) => [path, { ...zeros, ...own.get(path) }] as const),
    );
    const key = changeKey(padded);
    if (this.#guest?.key !== key) {
      const program = await this.#compile(padded);
      this.#guest?.program.letGo();
      this.#guest = { key, program };
    }
    const { program } = this.#guest;
    const values = await this.#allocate(padded);
    program.hold();
    return new ProgramLease(program.thing, values.thing, this.#version, () => {
      program.letGo();
      values.letGo();
    });
  }

  /**
   * Exchanges adapters; those who hold a lease go on with what they have.
   * @param changes of the whole model, of which this program takes its part
   */
  async adapt(changes: LayerChanges): Promise<void> {
    const own = this.partOf(changes);
    const key = changeKey(own);
    if (key === '' && this.#key === '') return;
    const program = key === this.#key ? undefined : await this.#compile(own);
    const values = await this.#allocate(own).catch((error: unknown) => {
      program?.letGo();
      throw error;
    });
    // Program and values go together: whoever takes a lease has both of before or both of now.
    if (program !== undefined) {
      this.#program.letGo();
      this.#program = program;
      this.#key = key;
    }
    this.#values.letGo();
    this.#values = values;
    this.#version++;
  }

  async #compile(changes: LayerChanges): Promise<Held<Program>> {
    const { runtime, model, weights, outputs, inPlace = false, exact = false } = this.#source;
    const traced = withRoomForChanges(model, changes, outputs);
    const program = await compileFromFiles(runtime, traced, weights, { inPlace, exact });
    return new Held(program, () => program.dispose());
  }

  async #allocate(changes: LayerChanges): Promise<Held<Readonly<Record<string, Value>>>> {
    const values: Record<string, Value> = {};
    const held = new Held(values, () => {
      for (const value of Object.values(values)) value.dispose();
    });
    try {
      for (const [name, tensor] of changeValues(changes))
        values[name] = await this.#source.runtime.allocate(tensor.dtype, tensor.shape, tensor);
    } catch (error) {
      held.letGo();
      throw error;
    }
    return held;
  }

  dispose(): void {
    this.#program.letGo();
    this.#values.letGo();
    this.#guest?.program.letGo();
    this.#guest = undefined;
  }
}

function zerosLike({ a, b }: LayerChange, stretches: boolean): LayerChange {
  const zeros = { a: hostTensor('float32', [1, a.shape[1]!]), b: hostTensor('float32', [b.shape[0]!, 1]) };
  return stretches ? { ...zeros, stretch: hostTensor('float32', [b.shape[0]!]) } : zeros;
}
