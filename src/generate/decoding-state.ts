// B rows, T new tokens, V vocabulary, C capacity of the cache, F rows of features, A axes of positions
import { GenerationError, hostTensor, type HostTensor, joinRows } from '../core/index.ts';
import { CACHE, type CacheSlot } from '../nn/index.ts';
import type { Runtime, Value } from '../runtime/types.ts';
import type { ProgramLease } from './adaptable-program.ts';
import type { Piece } from './prompt.ts';

/** Names of the inputs of a decoding program, besides those of the cache. */
export const INPUTS = {
  ids: 'ids',
  chosen: 'chosen',
  features: 'features',
  places: 'places',
  positions: 'positions',
} as const;

/** What a {@link DecodingState} works with, which it owns but for the runtime. */
export interface DecodingParts {
  readonly runtime: Runtime;
  readonly program: ProgramLease;
  readonly slots: readonly CacheSlot[];
  /** Inputs that stay: caches, tables, and those of fixed size. */
  readonly values: Record<string, Value>;
  /** [B, V] */
  readonly logits: Value;
  readonly capacity: number;
  readonly imageToken: number | undefined;
  readonly positionAxes: number;
}

/** Rows of tokens that have been read so far, with their cache. */
export class DecodingState {
  /** Tokens in each row. */
  readonly lengths: number[];
  readonly capacity: number;
  readonly #parts: DecodingParts;
  readonly #outputs: Record<string, Value>;
  readonly #host: HostTensor<'float32'>;
  /** Position of each row's next token. */
  readonly #next: number[];
  /** Values of the inputs of a step with one token a row, which come again and again. */
  readonly #single: Record<string, Value> = {};

  constructor(parts: DecodingParts) {
    const { logits, slots, values } = parts;
    const [rows, vocabulary] = logits.shape as readonly [number, number];
    this.#parts = parts;
    this.#outputs = { logits };
    for (const slot of slots) this.#outputs[slot.output] = values[slot.input]!;
    this.#host = hostTensor('float32', [rows, vocabulary]);
    this.lengths = Array.from({ length: rows }, () => 0);
    this.#next = Array.from({ length: rows }, () => 0);
    this.capacity = parts.capacity;
  }

  /**
   * Reads tokens and gives the logits of what follows each row's last one.
   * @param rows tokens for each row; rows may differ in length only in the first call, and later have one token each where
   *   there are several rows
   * @returns [B, V], valid until the next call
   */
  async read(rows: readonly (readonly number[] | Piece)[]): Promise<HostTensor<'float32'>> {
    const pieces = rows.map((row): Piece => ('tokens' in row ? row : { tokens: row }));
    const longest = Math.max(...pieces.map(({ tokens }) => tokens.length));
    this.#check(pieces, longest);
    const { values, logits } = this.#parts;
    const { program, values: adapters } = this.#parts.program;
    const after = this.lengths.map((length, row) => length + pieces[row]!.tokens.length);
    const last = hostTensor('int32', [pieces.length]);
    const chosen = hostTensor('int64', [pieces.length]);
    pieces.forEach(({ tokens }, row) => {
      last.data[row] = after[row]! - 1;
      chosen.data[row] = BigInt(row * longest + tokens.length - 1);
    });
    await values[CACHE.last]!.write(last);
    await values[CACHE.total]!.write(hostTensor('int32', [], Int32Array.of(Math.max(...after))));
    await values[INPUTS.chosen]!.write(chosen);
    const next = pieces.map((piece, row) => nextPositionOf(piece, this.#next[row]!));
    const step = await this.#stepValues(pieces, longest);
    try {
      const inputs = Object.fromEntries(
        program.inputs.map(({ name }) => [name, step[name] ?? values[name] ?? adapters[name]!]),
      );
      await program.run(inputs, this.#outputs);
    } finally {
      for (const [name, value] of Object.entries(step)) if (value !== this.#single[name]) value.dispose();
    }
    after.forEach((length, row) => (this.lengths[row] = length));
    next.forEach((position, row) => (this.#next[row] = position));
    await logits.read(this.#host);
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
    this.#next.fill(length);
  }

  /**
   * Puts copies of rows in the rows' places, as beams change theirs.
   * @param rows for each place which row comes there; all rows are of one prompt
   */
  async reorder(rows: readonly number[]): Promise<void> {
    const count = this.lengths.length;
    if (rows.length !== count || rows.some((row) => !Number.isInteger(row) || row < 0 || row >= count))
      throw new GenerationError(`the rows ${rows.join(', ')} are none of a state of ${count}`);
    if (rows.every((row, place) => row === place)) return;
    const { slots, values } = this.#parts;
    for (const { input } of slots) {
      const value = values[input]!;
      const before = await value.read();
      const after = hostTensor(before.dtype, before.shape);
      const size = before.data.length / count;
      // Both hold numbers of one kind.
      const [from, to] = [before.data as Float32Array, after.data as Float32Array];
      rows.forEach((row, place) => to.set(from.subarray(row * size, (row + 1) * size), place * size));
      await value.write(after);
    }
    const [lengths, next] = [[...this.lengths], [...this.#next]];
    rows.forEach((row, place) => {
      this.lengths[place] = lengths[row]!;
      this.#next[place] = next[row]!;
    });
  }

  #check(pieces: readonly Piece[], longest: number): void {
    const rows = this.lengths.length;
    if (pieces.length !== rows || pieces.some(({ tokens }) => tokens.length === 0))
      throw new GenerationError(`${pieces.length} rows of tokens for a state of ${rows}, none of which may be empty`);
    const first = this.lengths.every((length) => length === 0);
    if (!first && rows > 1 && longest > 1)
      throw new GenerationError('several rows take one token each after their prompts', 'read each row by itself');
    const most = Math.max(...pieces.map(({ tokens }, row) => tokens.length + this.lengths[row]!));
    if (most > this.capacity)
      throw new GenerationError(`${most} tokens for a cache of ${this.capacity}`, 'make it larger');
  }

  /** Values of the inputs whose size depends on the tokens. */
  async #stepValues(pieces: readonly Piece[], longest: number): Promise<Record<string, Value>> {
    const tensors: Record<string, HostTensor> = { [INPUTS.ids]: idsOf(pieces, longest) };
    const features = pieces.flatMap((piece) => piece.features ?? []);
    if (this.#parts.imageToken !== undefined) {
      tensors[INPUTS.places] = placesOf(pieces, longest, this.#parts.imageToken);
      if (features.some(({ shape }) => shape[0]! > 0)) tensors[INPUTS.features] = joinRows(features);
    }
    const { positionAxes } = this.#parts;
    if (positionAxes > 0) tensors[INPUTS.positions] = positionsOf(positionAxes, pieces, this.#next, longest);
    const values: Record<string, Value> = {};
    for (const [name, tensor] of Object.entries(tensors))
      values[name] = await this.#valueOf(name, tensor, longest === 1 && name !== INPUTS.features);
    return values;
  }

  async #valueOf(name: string, tensor: HostTensor, kept: boolean): Promise<Value> {
    const { runtime } = this.#parts;
    if (!kept) return await runtime.allocate(tensor.dtype, tensor.shape, tensor);
    const value = (this.#single[name] ??= await runtime.allocate(tensor.dtype, tensor.shape));
    await value.write(tensor);
    return value;
  }

  dispose(): void {
    const { values, logits, program } = this.#parts;
    program.end();
    for (const value of [...Object.values(values), logits, ...Object.values(this.#single)]) value.dispose();
  }
}

/** Position of what follows a piece. @param next position of its own first token, unless it says otherwise */
export function nextPositionOf({ tokens, positions, nextPosition }: Piece, next: number): number {
  if (nextPosition !== undefined) return nextPosition;
  if (positions === undefined) return next + tokens.length;
  return Number(positions.data.reduce((most, position) => (position > most ? position : most), -1n)) + 1;
}

/** @param next position of each row's first token, where a piece does not say them all  @returns [A, B, T] */
export function positionsOf(
  axes: number,
  pieces: readonly Piece[],
  next: readonly number[],
  longest: number,
): HostTensor<'int64'> {
  const all = hostTensor('int64', [axes, pieces.length, longest]);
  for (const [row, { tokens, positions }] of pieces.entries()) {
    for (let axis = 0; axis < axes; axis++) {
      const at = (axis * pieces.length + row) * longest;
      if (positions !== undefined)
        all.data.set(positions.data.subarray(axis * tokens.length, (axis + 1) * tokens.length), at);
      else tokens.forEach((_, t) => (all.data[at + t] = BigInt(next[row]! + t)));
    }
  }
  return all;
}

/** Shorter rows are filled up at their ends. @returns [B, T] */
export function idsOf(pieces: readonly Piece[], longest: number): HostTensor<'int64'> {
  const ids = hostTensor('int64', [pieces.length, longest]);
  pieces.forEach(({ tokens }, row) => tokens.forEach((token, t) => (ids.data[row * longest + t] = BigInt(token))));
  return ids;
}

/**
 * Which row of tokens' embeddings and features, one under the other, stands at each place.
 * @returns [B, T]
 * @throws GenerationError when image tokens and rows of features differ in number
 */
export function placesOf(pieces: readonly Piece[], longest: number, imageToken: number): HostTensor<'int64'> {
  const places = hostTensor(
    'int64',
    [pieces.length, longest],
    BigInt64Array.from({ length: pieces.length * longest }, (_, i) => BigInt(i)),
  );
  let next = places.data.length;
  for (const [row, { tokens, features }] of pieces.entries()) {
    // A model may write an image token itself, which then stands for nothing but its embedding.
    if (features === undefined) continue;
    const count = features.shape[0]!;
    let used = 0;
    tokens.forEach((token, t) => {
      if (token === imageToken && used++ < count) places.data[row * longest + t] = BigInt(next++);
    });
    if (used !== count)
      throw new GenerationError(
        `row ${row} has ${used} image tokens and ${count} rows of features`,
        'prepare text and pictures with the processor of this checkpoint',
      );
  }
  return places;
}
