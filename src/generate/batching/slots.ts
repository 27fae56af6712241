// R places, G key-value heads, C capacity, K width of a head, V vocabulary, A axes of positions
import { GenerationError, type TypedArray } from '../../core/index.ts';
import type { Value } from '../../runtime/types.ts';
import type { DecodingProgram } from '../decoding.ts';
import { createRowTensor, type RowTensor } from './row-tensor.ts';

/** The least capacity that is made: growing means to copy all that was read. */
const LEAST = 128;

/**
 * Keys and values of the sequences of a batch, each in a place of its own, and the small inputs and outputs of a step over
 * the first places. Sequences are moved between places by whoever owns this.
 */
export class Slots {
  readonly places: number;
  readonly program: DecodingProgram;
  /** Tokens that each place has read. */
  readonly lengths: Int32Array;
  /** Position of each place's next token. */
  readonly next: Float64Array;
  readonly logits: RowTensor;
  readonly ids: RowTensor;
  readonly last: RowTensor;
  readonly total: RowTensor;
  readonly chosen: RowTensor;
  /** Which of the step's tokens stands at each place: one after another. Only in models that read pictures. */
  readonly order: RowTensor | undefined;
  /** A row of features, which a program wants where there are no pictures too. */
  readonly features: RowTensor | undefined;
  /** By the names of the program's inputs, [R, G, C, K] each. */
  readonly #caches = new Map<string, RowTensor>();
  #tables: Record<string, Value> = {};
  #capacity = 0;
  #generation = 0;

  /** @param places most sequences at a time */
  constructor(program: DecodingProgram, places: number) {
    const { runtime, shape, imageToken } = program;
    this.places = places;
    this.program = program;
    this.lengths = new Int32Array(places);
    this.next = new Float64Array(places);
    this.logits = createRowTensor(runtime, 'float32', [places, shape.vocabularySize]);
    this.ids = createRowTensor(runtime, 'int64', [places, 1]);
    this.last = createRowTensor(runtime, 'int32', [places]);
    this.total = createRowTensor(runtime, 'int32', []);
    this.chosen = createRowTensor(runtime, 'int64', [places]);
    if (imageToken !== undefined) {
      this.order = createRowTensor(runtime, 'int64', [places, 1]);
      this.features = createRowTensor(runtime, 'float32', [1, shape.width]);
    }
  }

  /** Fills what stays the same. */
  async prepare(): Promise<void> {
    const places = BigInt64Array.from({ length: this.places }, (_, place) => BigInt(place));
    await this.chosen.write(0, places);
    await this.order?.write(0, places);
    await this.features?.write(0, new Float32Array(this.program.shape.width));
  }

  /** C: tokens that each place has room for. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Differs after the caches have moved: values that were lent before are no longer valid. */
  get generation(): number {
    return this.#generation;
  }

  /** Bytes that a token takes in all caches. */
  get tokenBytes(): number {
    return 4 * this.program.slots.reduce((sum, { heads, headWidth }) => sum + heads * headWidth, 0);
  }

  /** Numbers of one token in all caches. */
  get tokenNumbers(): number {
    return this.tokenBytes / 4;
  }

  /** Values that stay: tables of positions. */
  get tables(): Readonly<Record<string, Value>> {
    return this.#tables;
  }

  cache(name: string): RowTensor {
    return this.#caches.get(name)!;
  }

  /** Bytes of all caches. Memory that nothing was written to is not taken. */
  get bytes(): number {
    return this.places * this.#capacity * this.tokenBytes;
  }

  /** C as it will be once there is room for that many tokens. */
  capacityFor(tokens: number): number {
    const { maxLength } = this.program.shape;
    return Math.max(this.#capacity, Math.min(maxLength, Math.max(LEAST, 2 ** Math.ceil(Math.log2(tokens)))));
  }

  /** Frees the caches. Only when all places are free. */
  release(): void {
    for (const tensor of this.#caches.values()) tensor.dispose();
    for (const value of Object.values(this.#tables)) value.dispose();
    this.#caches.clear();
    this.#tables = {};
    this.#capacity = 0;
    this.#generation++;
    this.lengths.fill(0);
  }

  /** Makes room for at least `tokens` in each place. @throws GenerationError when the model was not made for as many */
  async reserve(tokens: number): Promise<void> {
    if (tokens <= this.#capacity) return;
    const { runtime, shape, slots, rotaryTables } = this.program;
    if (tokens > shape.maxLength)
      throw new GenerationError(`${tokens} tokens for a model that was made for ${shape.maxLength}`);
    const capacity = this.capacityFor(tokens);
    const tables: Record<string, Value> = {};
    const made = new Map<string, RowTensor>();
    try {
      for (const [name, table] of Object.entries(rotaryTables(capacity)))
        tables[name] = await runtime.allocate(table.dtype, table.shape, table);
      for (const { input, heads, headWidth } of slots) {
        const grown = createRowTensor(runtime, 'float32', [this.places, heads, capacity, headWidth]);
        made.set(input, grown);
        const before = this.#caches.get(input);
        if (before !== undefined) await this.#carry(before, grown, heads, headWidth, capacity);
      }
    } catch (error) {
      for (const tensor of made.values()) tensor.dispose();
      for (const value of Object.values(tables)) value.dispose();
      throw error;
    }
    for (const tensor of this.#caches.values()) tensor.dispose();
    for (const value of Object.values(this.#tables)) value.dispose();
    for (const [name, tensor] of made) this.#caches.set(name, tensor);
    this.#tables = tables;
    this.#capacity = capacity;
    this.#generation++;
  }

  async #carry(from: RowTensor, to: RowTensor, heads: number, width: number, capacity: number): Promise<void> {
    for (let place = 0; place < this.places; place++) {
      const count = this.lengths[place]! * width;
      if (count === 0) continue;
      const part = new Float32Array(count);
      for (let head = place * heads; head < (place + 1) * heads; head++) {
        await from.read(head * this.#capacity * width, part);
        await to.write(head * capacity * width, part);
      }
    }
  }

  /** Forgets what a place has read. What lies there is overwritten before it is looked at. */
  clear(place: number): void {
    this.lengths[place] = 0;
    this.next[place] = 0;
  }

  /** Copies all that one place has read to another. */
  async copy(from: number, to: number): Promise<void> {
    if (from === to) return;
    const length = this.lengths[from]!;
    for (const { input, heads, headWidth } of this.program.slots) {
      const cache = this.cache(input);
      const row = this.#capacity * headWidth;
      for (let head = 0; head < heads; head++)
        await cache.copy((from * heads + head) * row, (to * heads + head) * row, length * headWidth);
    }
    this.lengths[to] = length;
    this.next[to] = this.next[from]!;
  }

  /** Takes keys and values of some tokens out. @param into of `count` times {@link tokenNumbers} numbers */
  async take(place: number, start: number, count: number, into: Float32Array): Promise<void> {
    await this.#each(place, start, count, into, (cache, at, part) => cache.read(at, part));
  }

  /** Puts back what was taken out, of any place. The caller says how long the place is afterwards. */
  async put(place: number, start: number, count: number, from: Float32Array): Promise<void> {
    await this.#each(place, start, count, from, (cache, at, part) => cache.write(at, part));
  }

  async #each(
    place: number,
    start: number,
    count: number,
    numbers: Float32Array,
    work: (cache: RowTensor, at: number, part: TypedArray) => void | Promise<void>,
  ): Promise<void> {
    let at = 0;
    for (const { input, heads, headWidth } of this.program.slots) {
      const cache = this.cache(input);
      for (let head = place * heads; head < (place + 1) * heads; head++) {
        const done = work(
          cache,
          (head * this.#capacity + start) * headWidth,
          numbers.subarray(at, (at += count * headWidth)),
        );
        if (done !== undefined) await done;
      }
    }
  }

  dispose(): void {
    const all = [this.logits, this.ids, this.last, this.total, this.chosen, this.order, this.features];
    for (const tensor of all) tensor?.dispose();
    this.release();
  }
}
