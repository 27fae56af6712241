// B rows, T new tokens, V vocabulary, C capacity of the cache
import { GenerationError, hostTensor, type HostTensor } from '../core/index.ts';
import { input, type Tensor } from '../graph/index.ts';
import type { CausalLM } from '../models/index.ts';
import { CACHE, type CacheSlot, KeyValueCache, rotaryAngles, rotaryFrequencies } from '../nn/index.ts';
import { type ExternalData, lower } from '../onnx/index.ts';
import type { Program, Runtime, Value } from '../runtime/types.ts';

/** Where a decoder's weights are. */
export interface DecodingWeights {
  /** Real path of the folder with the files. */
  readonly folder: string;
  readonly places: ReadonlyMap<string, ExternalData>;
}

/** A decoder that is ready to run: one program for prompts and for single tokens. */
export class Decoding {
  readonly vocabularySize: number;
  readonly maxLength: number;
  readonly #runtime: Runtime;
  readonly #program: Program;
  readonly #slots: readonly CacheSlot[];
  readonly #cosines: HostTensor;
  readonly #sines: HostTensor;

  private constructor(runtime: Runtime, program: Program, model: CausalLM, slots: readonly CacheSlot[]) {
    const { vocabularySize, maxLength, headWidth, rotary } = model.model.config;
    this.vocabularySize = vocabularySize;
    this.maxLength = maxLength;
    this.#runtime = runtime;
    this.#program = program;
    this.#slots = slots;
    const { cosines, sines } = rotaryAngles(maxLength, rotaryFrequencies(headWidth, rotary));
    this.#cosines = cosines;
    this.#sines = sines;
  }

  /** Traces and compiles. @throws DeviceError when the engine refuses the program */
  static async create(runtime: Runtime, model: CausalLM, weights: DecodingWeights): Promise<Decoding> {
    // Walking the tree gives the weights their names.
    model.parameters();
    const cache = new KeyValueCache();
    const ids = input('ids', 'int64', ['B', 'T']);
    const chosen = input('chosen', 'int64', ['B']);
    const logits = model.forwardCached(model.embed(ids), chosen, cache);
    const outputs: Record<string, Tensor> = { logits, ...cache.outputs };
    const device = runtime.device === 'webgpu' ? 'webgpu' : 'cpu';
    const source = lower(outputs, { device, external: (name) => weights.places.get(name) });
    const program = await runtime.compile(
      { ...source, externalFolder: weights.folder },
      // A layer's cache is read before it is written: the operator was made for shared buffers.
      { optimization: 'all', inPlace: true },
    );
    return new Decoding(runtime, program, model, cache.slots);
  }

  /**
   * Room for a number of rows that grow together.
   * @param capacity most tokens in a row, prompt and answer together
   * @throws GenerationError when that is more than the model was made for
   */
  async start(rows: number, capacity: number): Promise<DecodingState> {
    if (capacity > this.maxLength) {
      throw new GenerationError(
        `${capacity} tokens, prompt and answer together, are more than the ${this.maxLength} that the model was made for`,
        'shorten the prompt or ask for fewer new tokens',
      );
    }
    const values: Record<string, Value> = {};
    for (const { input: name, heads, headWidth } of this.#slots)
      values[name] = await this.#runtime.allocate('float32', [rows, heads, capacity, headWidth]);
    values[CACHE.cosines] = await this.#runtime.allocate('float32', this.#cosines.shape, this.#cosines);
    values[CACHE.sines] = await this.#runtime.allocate('float32', this.#sines.shape, this.#sines);
    values[CACHE.last] = await this.#runtime.allocate('int32', [rows]);
    values[CACHE.total] = await this.#runtime.allocate('int32', []);
    values['chosen'] = await this.#runtime.allocate('int64', [rows]);
    const logits = await this.#runtime.allocate('float32', [rows, this.vocabularySize]);
    return new DecodingState(this.#runtime, this.#program, this.#slots, values, logits, capacity);
  }

  dispose(): void {
    this.#program.dispose();
  }
}

/** Rows of tokens that have been read so far, with their cache. */
export class DecodingState {
  /** Tokens in each row. */
  readonly lengths: number[];
  readonly capacity: number;
  readonly #runtime: Runtime;
  readonly #program: Program;
  readonly #values: Record<string, Value>;
  readonly #outputs: Record<string, Value>;
  readonly #logits: Value;
  readonly #host: HostTensor<'float32'>;
  #single: Value | undefined;

  constructor(
    runtime: Runtime,
    program: Program,
    slots: readonly CacheSlot[],
    values: Record<string, Value>,
    logits: Value,
    capacity: number,
  ) {
    const [rows, vocabulary] = logits.shape as readonly [number, number];
    this.#runtime = runtime;
    this.#program = program;
    this.#values = values;
    this.#logits = logits;
    this.#outputs = { logits };
    for (const slot of slots) this.#outputs[slot.output] = values[slot.input]!;
    this.#host = hostTensor('float32', [rows, vocabulary]);
    this.lengths = Array.from({ length: rows }, () => 0);
    this.capacity = capacity;
  }

  /**
   * Reads tokens and gives the logits of what follows each row's last one.
   * @param tokens for each row; rows may differ in length only in the first call, and later have one token each where there
   *   are several rows
   * @returns [B, V], valid until the next call
   */
  async read(tokens: readonly (readonly number[])[]): Promise<HostTensor<'float32'>> {
    const rows = this.lengths.length;
    const longest = Math.max(...tokens.map((row) => row.length));
    if (tokens.length !== rows || tokens.some((row) => row.length === 0))
      throw new GenerationError(`${tokens.length} rows of tokens for a state of ${rows}, none of which may be empty`);
    const first = this.lengths.every((length) => length === 0);
    if (!first && rows > 1 && longest > 1)
      throw new GenerationError('several rows take one token each after their prompts', 'read each row by itself');
    const after = this.lengths.map((length, row) => length + tokens[row]!.length);
    if (Math.max(...after) > this.capacity)
      throw new GenerationError(`${Math.max(...after)} tokens for a cache of ${this.capacity}`, 'make it larger');

    const ids = hostTensor('int64', [rows, longest]);
    const last = hostTensor('int32', [rows]);
    const chosen = hostTensor('int64', [rows]);
    tokens.forEach((row, i) => {
      row.forEach((token, t) => (ids.data[i * longest + t] = BigInt(token)));
      last.data[i] = after[i]! - 1;
      chosen.data[i] = BigInt(i * longest + row.length - 1);
    });
    const total = hostTensor('int32', [], Int32Array.of(Math.max(...after)));
    await this.#values[CACHE.last]!.write(last);
    await this.#values[CACHE.total]!.write(total);
    await this.#values['chosen']!.write(chosen);
    const idsValue = await this.#idsValue(ids);
    try {
      const inputs = Object.fromEntries(
        this.#program.inputs.map(({ name }) => [name, name === 'ids' ? idsValue : this.#values[name]!]),
      );
      await this.#program.run(inputs, this.#outputs);
    } finally {
      if (idsValue !== this.#single) idsValue.dispose();
    }
    after.forEach((length, row) => (this.lengths[row] = length));
    await this.#logits.read(this.#host);
    return this.#host;
  }

  /** Forgets all but the first tokens of each row. @param length at most what each row has read */
  rewind(length: number): void {
    if (this.lengths.some((read) => read < length))
      throw new GenerationError(
        `a state that has read ${Math.min(...this.lengths)} tokens cannot go back to ${length}`,
      );
    // What lies behind is overwritten before it is looked at.
    this.lengths.fill(length);
  }

  /** One token a row comes again and again: its value is kept. */
  async #idsValue(ids: HostTensor): Promise<Value> {
    if (ids.shape[1] !== 1) return await this.#runtime.allocate('int64', ids.shape, ids);
    this.#single ??= await this.#runtime.allocate('int64', ids.shape);
    await this.#single.write(ids);
    return this.#single;
  }

  dispose(): void {
    for (const value of [...Object.values(this.#values), this.#logits, this.#single]) value?.dispose();
  }
}
