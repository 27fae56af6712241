/** A decoder that reads token after token, with its attention in the open. */
// B batch, T new tokens, S tokens before them, N heads, G key-value heads, K width of a head, P positions
import {
  add,
  concat,
  expand,
  gather,
  input,
  matmul,
  reduceMean,
  reshape,
  select,
  softmax,
  squeeze,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import { type ImageTextModel, placeFeatures } from '../../models/index.ts';
import { applyRotary, CACHE, type CacheSlot, KeyValueCache, mergeHeads } from '../../nn/index.ts';

/** Names of the inputs beside the cache's. */
export const STEP = {
  /** [1, T] int64 */
  ids: 'ids',
  /** [F, D], and [1, T] int64: which row of the T embeddings and F features stands at each place */
  features: 'features',
  places: 'places',
  /** [T] int64: the tokens' numbers, counted from the beginning */
  numbers: 'numbers',
  /** [A, 1, T] int64, where the model has axes of positions */
  positions: 'positions',
  /** [T, S+T], added to scores */
  mask: 'mask',
  /** [1] int64: which of the new tokens is looked at */
  last: 'last_new',
} as const;

/** Keeps keys and values of earlier tokens, attends by plain operators, and remembers where it attended to last. */
class OpenCache extends KeyValueCache {
  /** Of the layer that came last, [1, N, T, S+T]. */
  weights: Tensor | undefined;
  readonly #numbers: Tensor = input(STEP.numbers, 'int64', ['T']);
  readonly #mask: Tensor = input(STEP.mask, 'float32', ['T', 'S+T']);

  override attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: { heads: number; keyValueHeads: number; headWidth: number; rotary: boolean },
  ): Tensor {
    const { heads, keyValueHeads, headWidth, rotary } = options;
    const split = (x: Tensor, count: number): Tensor => transpose(reshape(x, [1, 'T', count, headWidth]), [0, 2, 1, 3]);
    const turn = (x: Tensor): Tensor => (rotary ? this.#turned(x, headWidth) : x);
    const keys = this.#kept('key', turn(split(key, keyValueHeads)), headWidth);
    const values = this.#kept('value', split(value, keyValueHeads), headWidth);
    const wide = (x: Tensor): Tensor => repeated(x, heads / keyValueHeads);
    const scores = matmul(turn(split(query, heads)), wide(keys), { transB: true, alpha: 1 / Math.sqrt(headWidth) });
    this.weights = softmax(add(scores, this.#mask));
    return mergeHeads(matmul(this.weights, wide(values)));
  }

  /** Cosines and sines of the new tokens, in both halves of a head. @param x [1, ·, T, K] */
  #turned(x: Tensor, headWidth: number): Tensor {
    const { cosines, sines } = this.tables(headWidth);
    const at = (table: Tensor): Tensor => {
      const half = gather(table, this.#numbers);
      return concat([half, half], -1);
    };
    return applyRotary(x, { cosines: at(cosines), sines: at(sines) });
  }

  /** Behind those of earlier tokens. @param part [1, G, T, K]  @returns [1, G, S+T, K] */
  #kept(kind: 'key' | 'value', part: Tensor, headWidth: number): Tensor {
    const index = Math.floor(this.slots.length / 2);
    const heads = part.shape[1] as number;
    const slot: CacheSlot = { input: `past.${index}.${kind}`, output: `present.${index}.${kind}`, heads, headWidth };
    const all = concat([input(slot.input, 'float32', [1, heads, 'S', headWidth]), part], 2);
    this.slots.push(slot);
    this.outputs[slot.output] = all;
    return all;
  }
}

/** What {@link stepGraph} gives. */
export interface StepGraph {
  /** `look` [1, S+T], and the cache with the new tokens. */
  readonly outputs: Record<string, Tensor>;
  readonly slots: readonly CacheSlot[];
}

/** Where the last layer looks from one of the new tokens, by the head that was taught to look or the mean over heads. */
export function stepGraph(model: ImageTextModel): StepGraph {
  const { width, positionAxes } = model.generation;
  const cache = new OpenCache(1, 'S');
  const words = model.embed(input(STEP.ids, 'int64', [1, 'T']));
  const features = input(STEP.features, 'float32', ['F', width]);
  const embedded = placeFeatures(words, features, input(STEP.places, 'int64', [1, 'T']));
  const last = input(STEP.last, 'int64', [1]);
  const positions = positionAxes === 0 ? {} : { positions: input(STEP.positions, 'int64', [positionAxes, 1, 'T']) };
  model.forwardCached(embedded, last, cache, { context: {}, ...positions });
  const maps = squeeze(cache.weights!, 0);
  const { lookingHead } = model;
  const map = lookingHead === undefined ? reduceMean(maps, 0) : select(maps, 0, lookingHead);
  return { outputs: { look: gather(map, last), ...cache.outputs }, slots: cache.slots };
}

/** Tables that turn heads. */
export const TABLES: readonly string[] = [CACHE.cosines, CACHE.sines];

/** [1, G, S, K] → [1, G·times, S, K], each head `times` times in a row. */
function repeated(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [, heads, length, width] = x.shape as readonly [number, number, string, number];
  const copies = expand(reshape(x, [1, heads, 1, length, width]), [1, heads, times, length, width]);
  return reshape(copies, [1, heads * times, length, width]);
}
