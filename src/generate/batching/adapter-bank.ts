// S adapters, R their ranks together, D inputs of a layer, E its outputs
import { GenerationError, hostTensor, type HostTensor } from '../../core/index.ts';
import type { Program, Value } from '../../runtime/types.ts';
import type { DecodingProgram } from '../decoding.ts';
import { changeValues, type LayerChange, type LayerChanges, ROW_CHOICE } from '../layer-changes.ts';
import { createRowTensor, type RowTensor } from './row-tensor.ts';
import type { Variant } from './stepper.ts';

/** Adapters that stay although nobody uses them, as long as there are no more in all. */
const KEPT = 8;

/** Where an adapter lies among the others. */
interface Share {
  readonly index: number;
  readonly start: number;
  readonly rank: number;
}

/** A program and values for a number of adapters at once. */
interface Bank {
  readonly variant: Variant;
  readonly shares: ReadonlyMap<LayerChanges, Share>;
  readonly ranks: RowTensor;
  readonly stretches: RowTensor;
}

/**
 * Adapters of the rows of a batch. The program is compiled once for the layers that any of them changes; which adapters are
 * there is a matter of values. No weight of the model is copied for any of them.
 */
export class AdapterBank {
  readonly #program: DecodingProgram;
  readonly #places: number;
  /** How many sequences hold each, the one that was asked for last at the end. */
  readonly #users = new Map<LayerChanges, number>();
  /** Changes to layers that the program has, of each that was ever asked for. */
  readonly #parts = new WeakMap<LayerChanges, LayerChanges>();
  /** All layers that there is room for, and their shapes. */
  readonly #layers = new Map<
    string,
    { stretches: boolean; readonly shape: readonly [outputs: number, inputs: number] }
  >();
  #compiled: { readonly program: Program; readonly key: string } | undefined;
  #now: Bank | undefined;
  /** What takes the place of the one that is in use between two runs. */
  #next: Bank | undefined;
  readonly #retired: Program[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(program: DecodingProgram, places: number) {
    this.#program = program;
    this.#places = places;
  }

  /** Whether it changes anything of what the batch runs. */
  changes(changes: LayerChanges): boolean {
    return this.#partOf(changes).size > 0;
  }

  /**
   * Makes an adapter ready; it stays until as many calls of {@link letGo} have come. Rows go on meanwhile.
   * @throws GenerationError when it is of another model, DeviceError when the engine refuses the program
   */
  async hold(changes: LayerChanges): Promise<void> {
    if (!this.changes(changes)) return;
    const users = this.#users.get(changes) ?? 0;
    this.#users.delete(changes);
    this.#users.set(changes, users + 1);
    const before = this.#turn;
    const ready = (async () => {
      await before;
      await this.#prepare(changes);
    })();
    this.#turn = ready.catch(() => undefined);
    try {
      await ready;
    } catch (error) {
      this.letGo(changes);
      // It is not among those that can be had.
      if (this.#users.get(changes) === 0) this.#users.delete(changes);
      throw error;
    }
  }

  letGo(changes: LayerChanges): void {
    const users = this.#users.get(changes);
    if (users !== undefined) this.#users.set(changes, users - 1);
  }

  /** Puts what was made ready in use. Only between runs. @returns whether there was anything */
  settle(): boolean {
    if (this.#next === undefined) return false;
    if (this.#now !== undefined) freeBank(this.#now);
    this.#now = this.#next;
    this.#next = undefined;
    for (const program of this.#retired.splice(0)) program.dispose();
    return true;
  }

  /** The program for rows of which some have adapters. */
  get variant(): Variant {
    if (this.#now === undefined) throw new GenerationError('no adapter was made ready');
    return this.#now.variant;
  }

  /** Tells which adapter each place has, from the first on. */
  async arrange(places: readonly (LayerChanges | undefined)[]): Promise<void> {
    const { shares, ranks, stretches } = this.#now!;
    const [width, count] = [ranks.shape[1]!, stretches.shape[1]!];
    const [mask, choice] = [new Float32Array(places.length * width), new Float32Array(places.length * count)];
    for (const [place, changes] of places.entries()) {
      const share = changes && shares.get(changes);
      if (share === undefined) continue;
      mask.fill(1, place * width + share.start, place * width + share.start + share.rank);
      choice[place * count + share.index] = 1;
    }
    await ranks.write(0, mask);
    await stretches.write(0, choice);
  }

  #partOf(changes: LayerChanges): LayerChanges {
    let part = this.#parts.get(changes);
    if (part === undefined) this.#parts.set(changes, (part = this.#program.partOf(changes)));
    return part;
  }

  async #prepare(changes: LayerChanges): Promise<void> {
    const latest = this.#next ?? this.#now;
    if (latest?.shares.has(changes) === true) return;
    // Those that were asked for longest ago make room, where nobody uses them.
    for (const [other, users] of this.#users) if (users === 0 && this.#users.size > KEPT) this.#users.delete(other);
    const all = [...this.#users.keys()];
    for (const one of all) this.#addLayers(this.#partOf(one));
    const program = await this.#compile();
    const bank = await this.#fill(program, all);
    if (this.#next !== undefined) freeBank(this.#next);
    this.#next = bank;
  }

  #addLayers(part: LayerChanges): void {
    for (const [path, { a, b, stretch }] of part) {
      const shape = [b.shape[0]!, a.shape[1]!] as const;
      const known = this.#layers.get(path);
      if (known === undefined) this.#layers.set(path, { stretches: stretch !== undefined, shape });
      else if (known.shape.join() !== shape.join())
        throw new GenerationError(`adapters of different models meet at ${path}`, 'use adapters of one model');
      else known.stretches ||= stretch !== undefined;
    }
  }

  async #compile(): Promise<Program> {
    const layers = new Map([...this.#layers].map(([path, { stretches }]) => [path, stretches] as const));
    const key = JSON.stringify([...layers]);
    if (this.#compiled?.key === key) return this.#compiled.program;
    const program = await this.#program.compileForRows(layers);
    // Rows may still run with the one of before.
    if (this.#compiled !== undefined) this.#retired.push(this.#compiled.program);
    this.#compiled = { program, key };
    return program;
  }

  async #fill(program: Program, all: readonly LayerChanges[]): Promise<Bank> {
    const shares = new Map<LayerChanges, Share>();
    let start = 0;
    for (const [index, changes] of all.entries()) {
      const rank = Math.max(...[...this.#partOf(changes).values()].map(({ a }) => a.shape[0]!));
      shares.set(changes, { index, start, rank });
      start += rank;
    }
    const { runtime } = this.#program;
    const values: Record<string, Value> = {};
    try {
      for (const [path, { stretches, shape }] of this.#layers) {
        const parts = all.map((one) => this.#partOf(one).get(path));
        const joined = sideBySide(parts, [...shares.values()], start, shape, stretches);
        for (const [name, tensor] of changeValues(new Map([[path, joined]])))
          values[name] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
      }
    } catch (error) {
      for (const value of Object.values(values)) value.dispose();
      throw error;
    }
    const ranks = createRowTensor(runtime, 'float32', [this.#places, start]);
    const stretches = createRowTensor(runtime, 'float32', [this.#places, all.length]);
    const rows = { [ROW_CHOICE.ranks]: ranks, [ROW_CHOICE.stretches]: stretches };
    return { variant: { program, values, rows }, shares, ranks, stretches };
  }

  /** After whatever is being made ready. */
  async dispose(): Promise<void> {
    await this.#turn;
    for (const bank of [this.#now, this.#next]) if (bank !== undefined) freeBank(bank);
    for (const program of this.#retired.splice(0)) program.dispose();
    this.#compiled?.program.dispose();
    this.#now = this.#next = this.#compiled = undefined;
  }
}

function freeBank({ variant, ranks, stretches }: Bank): void {
  for (const value of Object.values(variant.values)) value.dispose();
  ranks.dispose();
  stretches.dispose();
}

/**
 * One layer's changes with their ranks side by side, zero where an adapter leaves the layer as it is.
 * @returns A [R, D], B [E, R] and, where any stretches, O [S, E]
 */
function sideBySide(
  parts: readonly (LayerChange | undefined)[],
  shares: readonly Share[],
  ranks: number,
  [outputs, inputs]: readonly [number, number],
  stretches: boolean,
): LayerChange {
  const a = hostTensor('float32', [ranks, inputs]);
  const b = hostTensor('float32', [outputs, ranks]);
  const stretch: HostTensor<'float32'> | undefined = stretches
    ? hostTensor('float32', [parts.length, outputs])
    : undefined;
  for (const [index, part] of parts.entries()) {
    if (part === undefined) continue;
    const { start } = shares[index]!;
    const own = part.a.shape[0]!;
    a.data.set(part.a.data, start * inputs);
    for (let row = 0; row < outputs; row++)
      b.data.set(part.b.data.subarray(row * own, (row + 1) * own), row * ranks + start);
    if (part.stretch !== undefined) stretch!.data.set(part.stretch.data, index * outputs);
  }
  return { a, b, ...(stretch === undefined ? {} : { stretch }) };
}
