/** Samples in another order, which depends on seed and pass alone. */
import { DataError, Random } from '../../core/index.ts';
import { shuffledOrder } from '../dataset.ts';
import { blockOf, type BlockedSource } from '../formats/blocks.ts';
import type { SampleSource } from '../samples.ts';
import { traits } from './parts.ts';

/** All samples in a new order each pass: every one once, from anywhere. */
export function shuffled(source: SampleSource): SampleSource {
  let latest: { seed: number; epoch: number; order: Uint32Array } | undefined;
  return {
    ...traits(source),
    length: source.length,
    sample(index, moment) {
      const { seed, epoch } = moment;
      if (latest?.seed !== seed || latest.epoch !== epoch)
        latest = { seed, epoch, order: shuffledOrder(source.length, seed, epoch) };
      return source.sample(latest.order[index]!, moment);
    },
    close: () => source.close?.(),
  };
}

/**
 * All samples in a new order each pass that a disk can follow: blocks (row groups, shards) in a new order, and within a window
 * of that sequence every order. A reader that keeps as many blocks as a window spans reads each block once a pass. The larger
 * the window, the closer to {@link shuffled}.
 * @param window samples among which the order is free
 */
export function shuffledInBlocks(source: BlockedSource, window: number): SampleSource {
  if (!Number.isInteger(window) || window < 1)
    throw new DataError(`a window of ${window} samples cannot be shuffled`, 'give a whole number from 1 up');
  const { length, blocks = [0] } = source;
  let latest: { seed: number; epoch: number; plan: Plan } | undefined;
  return {
    ...traits(source),
    length,
    sample(index, moment) {
      const { seed, epoch } = moment;
      if (latest?.seed !== seed || latest.epoch !== epoch)
        latest = { seed, epoch, plan: new Plan(blocks, length, window, new Random(seed).fork(`blocks ${epoch}`)) };
      return source.sample(latest.plan.at(index), moment);
    },
    close: () => source.close?.(),
  };
}

/** The order of one pass. */
class Plan {
  readonly #blocks: readonly number[];
  readonly #length: number;
  readonly #window: number;
  readonly #random: Random;
  /** Blocks in their new order, and where in the sequence each begins. */
  readonly #order: readonly number[];
  readonly #starts: Float64Array;
  #latest: { window: number; order: Uint32Array } | undefined;

  constructor(blocks: readonly number[], length: number, window: number, random: Random) {
    this.#blocks = blocks;
    this.#length = length;
    this.#window = window;
    this.#random = random;
    this.#order = random.fork('order').shuffle(Array.from(blocks.keys()));
    this.#starts = new Float64Array(blocks.length);
    let start = 0;
    for (const [i, block] of this.#order.entries()) {
      this.#starts[i] = start;
      start += (blocks[block + 1] ?? length) - blocks[block]!;
    }
  }

  /** The sample at a position of the pass. */
  at(index: number): number {
    const first = index - (index % this.#window);
    if (this.#latest?.window !== first) {
      const order = Uint32Array.from({ length: Math.min(this.#window, this.#length - first) }, (_, i) => i);
      this.#latest = { window: first, order: this.#random.fork(`window ${first}`).shuffle(order) };
    }
    const position = first + this.#latest.order[index - first]!;
    const i = blockOf(this.#starts, position);
    return this.#blocks[this.#order[i]!]! + position - this.#starts[i]!;
  }
}
