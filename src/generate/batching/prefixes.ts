// T tokens of a prompt
import { identityOf } from '../../core/identity.ts';
import type { HostTensor } from '../../core/index.ts';
import type { LayerChanges } from '../layer-changes.ts';
import { identities, type Prompt } from '../prompt.ts';
import { BLOCK, PrefixCache, type PrefixBlock } from './prefix-cache.ts';
import type { Slots } from './slots.ts';

/** What tells the blocks of one text apart from those of others: its tokens and pictures, and where they stand. */
export class BlockKeys {
  /** Of the prompt's tokens. */
  readonly #names: readonly (number | string)[];
  /** Position of the answer's first token, where the prompt says its positions. */
  readonly #next: number | undefined;
  readonly #axes: number;
  readonly #keys: string[] = [];

  constructor(prompt: Prompt, imageToken: number | undefined) {
    const { positions, nextPosition, tokens } = prompt;
    const names = identities(prompt, imageToken);
    this.#axes = positions?.shape[0] ?? 0;
    this.#next = positions === undefined ? undefined : (nextPosition ?? tokens.length);
    this.#names = positions === undefined ? names : names.map((name, t) => `${name}@${placeOf(positions, t)}`);
  }

  /**
   * Keys of the first blocks.
   * @param answer tokens that follow the prompt; those of a sequence only grow
   */
  first(count: number, answer: readonly number[]): readonly string[] {
    const { length } = this.#names;
    while (this.#keys.length < count) {
      const start = this.#keys.length * BLOCK;
      const names = Array.from({ length: BLOCK }, (_, i) => {
        const at = start + i;
        return at < length ? this.#names[at]! : this.#answered(answer[at - length]!, at - length);
      });
      this.#keys.push(names.join(' '));
    }
    return this.#keys.slice(0, count);
  }

  #answered(token: number, at: number): string {
    if (this.#next === undefined) return `${token}`;
    return `${token}@${Array.from({ length: this.#axes }, () => this.#next! + at).join()}`;
  }
}

function placeOf({ shape, data }: HostTensor<'int64'>, t: number): string {
  const [axes, length] = shape as readonly [number, number];
  return Array.from({ length: axes }, (_, axis) => data[axis * length + t]!).join();
}

/** What a sequence knows of the blocks of its text. */
export interface PrefixState {
  readonly keys: BlockKeys;
  readonly model: string;
  /** Found at its beginning, in order; those up to `loaded` are in its place. */
  found: readonly PrefixBlock[];
  loaded: number;
  /** How many of its blocks were kept, or found. */
  kept: number;
}

/** Carries blocks between places and the cache. */
export class Prefixes {
  readonly #cache: PrefixCache;
  readonly #slots: Slots;

  constructor(slots: Slots, budget: number) {
    this.#slots = slots;
    this.#cache = new PrefixCache(budget);
  }

  get bytes(): number {
    return this.#cache.bytes;
  }

  /** What is known of a prompt's beginning: never all of it, since the last token's logits are needed. */
  begin(prompt: Prompt, imageToken: number | undefined, adapter: LayerChanges | undefined): PrefixState {
    const keys = new BlockKeys(prompt, imageToken);
    const model = adapter === undefined ? '' : `adapter ${identityOf(adapter)}`;
    const found = this.#cache.find(model, keys.first(Math.floor((prompt.tokens.length - 1) / BLOCK), []));
    return { keys, model, found, loaded: 0, kept: found.length };
  }

  /**
   * Puts what was found where the sequence is.
   * @param enough asked after each block; the rest comes with the next call
   * @returns whether all is there
   */
  async load(state: PrefixState, place: number, enough: () => boolean): Promise<boolean> {
    const slots = this.#slots;
    while (state.loaded < state.found.length) {
      await slots.put(place, state.loaded * BLOCK, BLOCK, state.found[state.loaded]!.numbers);
      state.loaded++;
      slots.lengths[place] = slots.next[place] = state.loaded * BLOCK;
      if (enough()) break;
    }
    if (state.loaded < state.found.length) return false;
    state.found = [];
    state.loaded = 0;
    return true;
  }

  /** Keeps the blocks that a sequence has filled. @param answer its tokens so far */
  async keep(state: PrefixState, place: number, answer: readonly number[]): Promise<void> {
    const whole = Math.floor(this.#slots.lengths[place]! / BLOCK);
    for (; state.kept < whole; state.kept++) {
      const numbers = new Float32Array(BLOCK * this.#slots.tokenNumbers);
      await this.#slots.take(place, state.kept * BLOCK, BLOCK, numbers);
      this.#cache.add(state.model, state.keys.first(state.kept + 1, answer), numbers);
    }
  }

  dispose(): void {
    this.#cache.clear();
  }
}
