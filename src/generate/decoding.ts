// B rows, T new tokens, D width, V vocabulary, C capacity of the cache, F rows of features, A axes of positions
import { GenerationError, hostTensor, type HostTensor, joinRows } from '../core/index.ts';
import { input, type Tensor } from '../graph/index.ts';
import { type GeneratingModel, type GenerationShape, placeFeatures, readsPictures } from '../models/index.ts';
import { CACHE, type CacheSlot, KeyValueCache, rotaryAngles, rotaryFrequencies } from '../nn/index.ts';
import type { Program, Runtime, Value } from '../runtime/types.ts';
import { AdaptableProgram, type ProgramLease } from './adaptable-program.ts';
import type { ModelWeights } from './compile.ts';
import { DecodingState, INPUTS } from './decoding-state.ts';
import type { LayerChanges } from './layer-changes.ts';

/** What GroupQueryAttention wants the width of a head to be a multiple of, and where it turns heads itself. */
const HEAD_UNIT = 8;
const TURNED_HEAD_UNIT = 16;

/** What a batch whose rows come and go works with, besides its own values. Give the lease back. */
export interface DecodingProgram {
  readonly runtime: Runtime;
  readonly shape: GenerationShape;
  readonly slots: readonly CacheSlot[];
  readonly imageToken: number | undefined;
  readonly lease: ProgramLease;
  /** Tables of the first positions, where the model turns by them. */
  readonly rotaryTables: (length: number) => Readonly<Record<string, HostTensor>>;
  /** Changes to layers that the program has. */
  readonly partOf: (changes: LayerChanges) => LayerChanges;
  /** The program with room for a choice of changes in each row, see `withRoomForRows`. */
  readonly compileForRows: (layers: ReadonlyMap<string, boolean>) => Promise<Program>;
}

/** A model that is ready to write: one program for prompts and for single tokens. */
export class Decoding {
  readonly shape: GenerationShape;
  /** Id of the token that stands for a row of features, in models that read pictures. */
  readonly imageToken: number | undefined;
  readonly #runtime: Runtime;
  readonly #program: AdaptableProgram;
  readonly #slots: readonly CacheSlot[];

  private constructor(
    runtime: Runtime,
    program: AdaptableProgram,
    model: GeneratingModel,
    slots: readonly CacheSlot[],
  ) {
    this.shape = model.generation;
    this.imageToken = readsPictures(model) ? model.imageToken : undefined;
    this.#runtime = runtime;
    this.#program = program;
    this.#slots = slots;
  }

  get vocabularySize(): number {
    return this.shape.vocabularySize;
  }

  get maxLength(): number {
    return this.shape.maxLength;
  }

  /** Traces and compiles. @throws DeviceError when the engine refuses the program */
  static async create(runtime: Runtime, model: GeneratingModel, weights: ModelWeights): Promise<Decoding> {
    // Walking the tree gives the weights their names.
    model.parameters();
    let slots: readonly CacheSlot[] = [];
    const outputs = (): Record<string, Tensor> => {
      const cache = new KeyValueCache();
      const logits = tracedLogits(model, cache);
      slots = cache.slots;
      return { logits, ...cache.outputs };
    };
    // A layer's cache is read before it is written: the operator was made for shared buffers.
    const program = await AdaptableProgram.create({ runtime, model, weights, outputs, inPlace: true });
    return new Decoding(runtime, program, model, slots);
  }

  /** Differs after every exchange of adapters: what was read before was read by another model. */
  get version(): number {
    return this.#program.version;
  }

  /** Exchanges adapters. States that were started before go on without the new ones. @throws DeviceError */
  async adapt(changes: LayerChanges): Promise<void> {
    await this.#program.adapt(changes);
  }

  /** The program as it is now, for rows that come and go. */
  program(): DecodingProgram {
    return {
      runtime: this.#runtime,
      shape: this.shape,
      slots: this.#slots,
      imageToken: this.imageToken,
      lease: this.#program.lease(),
      rotaryTables: (length) => rotaryTablesOf(this.shape, length),
      partOf: (changes) => this.#program.partOf(changes),
      compileForRows: (layers) => this.#program.compileForRows(layers),
    };
  }

  /**
   * Room for a number of rows that grow together.
   * @param capacity most tokens in a row, prompt and answer together
   * @param contexts for each row values of the model's further inputs, each [1, …] and of one shape in all rows
   * @throws GenerationError when the capacity is more than the model was made for, or a further input is missing
   */
  async start(
    rows: number,
    capacity: number,
    contexts: readonly Readonly<Record<string, HostTensor>>[] = [],
  ): Promise<DecodingState> {
    if (capacity > this.maxLength) {
      throw new GenerationError(
        `${capacity} tokens, prompt and answer together, are more than the ${this.maxLength} that the model was made for`,
        'shorten the prompt or ask for fewer new tokens',
      );
    }
    const values: Record<string, Value> = {};
    const keep = async (name: string, tensor: HostTensor): Promise<void> => {
      values[name] = await this.#runtime.allocate(tensor.dtype, tensor.shape, tensor);
    };
    for (const { input: name, heads, headWidth } of this.#slots)
      values[name] = await this.#runtime.allocate('float32', [rows, heads, capacity, headWidth]);
    for (const [name, table] of Object.entries(rotaryTablesOf(this.shape, capacity))) await keep(name, table);
    for (const name of Object.keys(this.shape.context ?? {})) await keep(name, stacked(name, rows, contexts));
    await keep(CACHE.last, hostTensor('int32', [rows]));
    await keep(CACHE.total, hostTensor('int32', []));
    await keep(INPUTS.chosen, hostTensor('int64', [rows]));
    // Where a step has no pictures, the program still wants a row of features.
    if (this.imageToken !== undefined) await keep(INPUTS.features, hostTensor('float32', [1, this.shape.width]));
    const logits = await this.#runtime.allocate('float32', [rows, this.vocabularySize]);
    return new DecodingState({
      runtime: this.#runtime,
      program: this.#program.lease(),
      slots: this.#slots,
      values,
      logits,
      capacity,
      imageToken: this.imageToken,
      positionAxes: this.shape.positionAxes,
    });
  }

  dispose(): void {
    this.#program.dispose();
  }
}

/** The logits of chosen tokens. @returns [B, V] */
function tracedLogits(model: GeneratingModel, cache: KeyValueCache): Tensor {
  const { positionAxes, context: contextSpecs = {} } = model.generation;
  const chosen = input(INPUTS.chosen, 'int64', ['B']);
  const context = Object.fromEntries(
    Object.entries(contextSpecs).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  );
  const positions = positionAxes === 0 ? {} : { positions: input(INPUTS.positions, 'int64', [positionAxes, 'B', 'T']) };
  const logits = model.forwardCached(embeddings(model), chosen, cache, { context, ...positions });
  // Models with axes of positions turn heads by themselves.
  const turned = model.generation.rotary !== undefined && positionAxes === 0;
  checkHeads(cache.slots, turned ? TURNED_HEAD_UNIT : HEAD_UNIT);
  return logits;
}

/** @throws GenerationError where the engine's attention over a cache cannot work on heads of that width */
function checkHeads(slots: readonly CacheSlot[], unit: number): void {
  const odd = slots.find(({ headWidth }) => headWidth % unit !== 0);
  if (odd !== undefined)
    throw new GenerationError(
      `heads of width ${odd.headWidth} cannot be run over a cache, which takes multiples of ${unit}`,
      'check the head sizes in config.json',
    );
}

/** What the layers read: embeddings of tokens, with features in the place of image tokens. @returns [B, T, D] */
function embeddings(model: GeneratingModel): Tensor {
  const embedded = model.embed(input(INPUTS.ids, 'int64', ['B', 'T']));
  if (!readsPictures(model)) return embedded;
  const { width } = model.generation;
  const features = input(INPUTS.features, 'float32', ['F', width]);
  // Which row of tokens and features, one under the other, stands at each place.
  const places = input(INPUTS.places, 'int64', ['B', 'T']);
  return placeFeatures(embedded, features, places);
}

/**
 * Tables of the positions that there is room for, for models that turn by them: what config.json says of the longest
 * text may be far more than fits into memory.
 */
function rotaryTablesOf({ rotary }: GenerationShape, length: number): Record<string, HostTensor> {
  if (rotary === undefined) return {};
  const { cosines, sines } = rotaryAngles(length, rotaryFrequencies(rotary.headWidth, rotary.config));
  return { [CACHE.cosines]: cosines, [CACHE.sines]: sines };
}

/** One input of all rows. @returns [B, …] */
function stacked(name: string, rows: number, contexts: readonly Readonly<Record<string, HostTensor>>[]): HostTensor {
  const parts = contexts.map((context) => context[name]).filter((part) => part !== undefined);
  const shape = parts[0]?.shape ?? [];
  if (parts.length !== rows || parts.some((part) => part.shape.join() !== shape.join()))
    throw new GenerationError(
      `${rows} rows need ${name} each, in one shape; got ${parts.map((part) => `[${part.shape.join(', ')}]`).join(', ') || 'none'}`,
      'answer prompts of pictures of different sizes one after another',
    );
  return joinRows(parts);
}
