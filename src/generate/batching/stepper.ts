// R places, T tokens of a piece, V vocabulary, A axes of positions
import { hostTensor, type HostTensor } from '../../core/index.ts';
import { CACHE } from '../../nn/index.ts';
import type { Program, Value } from '../../runtime/types.ts';
import { idsOf, INPUTS, nextPositionOf, placesOf, positionsOf } from '../decoding-state.ts';
import type { Piece } from '../prompt.ts';
import { createRowTensor, type RowTensor } from './row-tensor.ts';
import type { Slots } from './slots.ts';

/** A program that places can be run with. Programs of one model may take turns. */
export interface Variant {
  readonly program: Program;
  /** Values of inputs that are the same for all places. */
  readonly values: Readonly<Record<string, Value>>;
  /** Inputs of which each place has a row of its own, beside those of every model. */
  readonly rows: Readonly<Record<string, RowTensor>>;
}

/** Inputs and outputs of a run over the first places, which come again as long as nothing moves. */
interface Binding {
  readonly variant: Variant;
  readonly generation: number;
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
}

/** Runs programs over places: a piece of a prompt in one of them, or a token in each of the first. */
export class Stepper {
  readonly #slots: Slots;
  /** By the number of places. */
  readonly #bindings: (Binding | undefined)[] = [];
  /** Positions of a step [A, count, 1], by the number of places. */
  readonly #positions: (RowTensor | undefined)[] = [];
  readonly #ids: BigInt64Array;
  readonly #last: Int32Array;
  readonly #total = new Int32Array(1);

  constructor(slots: Slots) {
    this.#slots = slots;
    this.#ids = new BigInt64Array(slots.places);
    this.#last = new Int32Array(slots.places);
  }

  /**
   * Reads tokens into one place, behind those that it holds; its logits are then those of what follows.
   * @param meanwhile called once the engine works
   */
  async readPiece(place: number, piece: Piece, variant: Variant, meanwhile: () => void): Promise<void> {
    const slots = this.#slots;
    const { runtime, imageToken, shape } = slots.program;
    const count = piece.tokens.length;
    const length = slots.lengths[place]! + count;
    const tensors: Record<string, HostTensor> = {
      [INPUTS.ids]: idsOf([piece], count),
      [INPUTS.chosen]: hostTensor('int64', [1], BigInt64Array.of(BigInt(count - 1))),
      [CACHE.last]: hostTensor('int32', [1], Int32Array.of(length - 1)),
    };
    if (imageToken !== undefined) {
      tensors[INPUTS.places] = placesOf([piece], count, imageToken);
      if ((piece.features?.shape[0] ?? 0) > 0) tensors[INPUTS.features] = piece.features!;
    }
    if (shape.positionAxes > 0)
      tensors[INPUTS.positions] = positionsOf(shape.positionAxes, [piece], [slots.next[place]!], count);
    this.#total[0] = length;
    await slots.total.write(0, this.#total);
    const made: Record<string, Value> = {};
    try {
      for (const [name, tensor] of Object.entries(tensors))
        made[name] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
      const { inputs, outputs } = await this.#bind(place, 1, variant, made);
      const run = variant.program.run(inputs, outputs);
      meanwhile();
      await run;
    } finally {
      for (const value of Object.values(made)) value.dispose();
    }
    slots.lengths[place] = length;
    slots.next[place] = nextPositionOf(piece, slots.next[place]!);
  }

  /**
   * Reads one token in each of the first places.
   * @param tokens as many as there are places to run  @param meanwhile called once the engine works
   */
  async step(count: number, tokens: Int32Array, variant: Variant, meanwhile: () => void): Promise<void> {
    const slots = this.#slots;
    let longest = 0;
    for (let place = 0; place < count; place++) {
      const length = slots.lengths[place]!;
      this.#ids[place] = BigInt(tokens[place]!);
      this.#last[place] = length;
      if (length >= longest) longest = length + 1;
    }
    this.#total[0] = longest;
    await slots.ids.write(0, this.#ids);
    await slots.last.write(0, this.#last);
    await slots.total.write(0, this.#total);
    if (slots.program.shape.positionAxes > 0) await this.#writePositions(count);
    const { inputs, outputs } = await this.#binding(count, variant);
    const run = variant.program.run(inputs, outputs);
    meanwhile();
    await run;
    for (let place = 0; place < count; place++) {
      slots.lengths[place]!++;
      slots.next[place]!++;
    }
  }

  async #writePositions(count: number): Promise<void> {
    const { runtime, shape } = this.#slots.program;
    const axes = shape.positionAxes;
    const positions = (this.#positions[count] ??= createRowTensor(runtime, 'int64', [axes, count, 1]));
    const all = new BigInt64Array(axes * count);
    for (let axis = 0; axis < axes; axis++)
      for (let place = 0; place < count; place++) all[axis * count + place] = BigInt(this.#slots.next[place]!);
    await positions.write(0, all);
  }

  /** @returns those of the last step over as many places, where they still stand */
  async #binding(count: number, variant: Variant): Promise<Binding> {
    const slots = this.#slots;
    const known = this.#bindings[count];
    if (known?.variant === variant && known.generation === slots.generation && slots.ids.steady) return known;
    const own: Record<string, Value> = {
      [INPUTS.ids]: await slots.ids.lend(0, count),
      [INPUTS.chosen]: await slots.chosen.lend(0, count),
      [CACHE.last]: await slots.last.lend(0, count),
    };
    if (slots.order !== undefined) own[INPUTS.places] = await slots.order.lend(0, count);
    const positions = this.#positions[count];
    if (positions !== undefined) own[INPUTS.positions] = await positions.lend(0, positions.shape[0]!);
    const binding = { ...(await this.#bind(0, count, variant, own)), variant, generation: slots.generation };
    this.#bindings[count] = binding;
    return binding;
  }

  /** All that a program takes and gives. @param own inputs that are made for this run */
  async #bind(
    first: number,
    count: number,
    variant: Variant,
    own: Readonly<Record<string, Value>>,
  ): Promise<{ inputs: Record<string, Value>; outputs: Record<string, Value> }> {
    const slots = this.#slots;
    const values: Record<string, Value> = {
      ...variant.values,
      ...slots.tables,
      [CACHE.total]: await slots.total.lend(0, 1),
      ...own,
    };
    if (slots.features !== undefined) values[INPUTS.features] ??= await slots.features.lend(0, 1);
    for (const [name, tensor] of Object.entries(variant.rows)) values[name] = await tensor.lend(first, count);
    const outputs: Record<string, Value> = { logits: await slots.logits.lend(first, count) };
    for (const { input, output } of slots.program.slots)
      outputs[output] = values[input] = await slots.cache(input).lend(first, count);
    const inputs = Object.fromEntries(variant.program.inputs.map(({ name }) => [name, values[name]!]));
    return { inputs, outputs };
  }

  dispose(): void {
    for (const positions of this.#positions) positions?.dispose();
  }
}
