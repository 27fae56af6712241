// B batch, T new tokens, N heads, G key-value heads, C capacity, K width of a head
import { cachedAttention, type Dim, input, type Tensor } from '../graph/index.ts';

/** Names of the inputs and outputs that a graph with a cache has beside its own. */
export const CACHE = {
  last: 'cache.last',
  total: 'cache.total',
  cosines: 'cache.cosines',
  sines: 'cache.sines',
} as const;

/** One layer's keys or values: the name of the input and of the output that takes its place, and the shape [B, G, C, K]. */
export interface CacheSlot {
  readonly input: string;
  readonly output: string;
  readonly heads: number;
  readonly headWidth: number;
}

/**
 * Keys and values of earlier tokens, while a graph that generates is traced. Attention layers take their slots in the order
 * of their calls, so that a model needs no numbers of layers.
 */
export class KeyValueCache {
  readonly slots: CacheSlot[] = [];
  /** What the graph gives back beside its own outputs: the cache with the new tokens. */
  readonly outputs: Record<string, Tensor> = {};
  readonly #batch: Dim;
  readonly #capacity: Dim;
  readonly #last: Tensor;
  readonly #total: Tensor;
  #rotary: { cosines: Tensor; sines: Tensor } | undefined;

  constructor(batch: Dim = 'B', capacity: Dim = 'C') {
    this.#batch = batch;
    this.#capacity = capacity;
    this.#last = input(CACHE.last, 'int32', [batch]);
    this.#total = input(CACHE.total, 'int32', []);
  }

  /**
   * Attends over the cache and keeps the new keys and values in it.
   * @param query [B, T, N·K]  @param key [B, T, G·K]  @param value [B, T, G·K]
   * @param options.rotary turns queries and keys by their positions inside of the operator
   * @returns [B, T, N·K]
   */
  attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: { heads: number; keyValueHeads: number; headWidth: number; rotary: boolean; window?: number | undefined },
  ): Tensor {
    const { heads, keyValueHeads, headWidth, rotary, window } = options;
    const index = this.slots.length / 2;
    const slot = (kind: string): CacheSlot => ({
      input: `past.${index}.${kind}`,
      output: `present.${index}.${kind}`,
      heads: keyValueHeads,
      headWidth,
    });
    const [keys, values] = [slot('key'), slot('value')];
    const past = ({ input: name }: CacheSlot): Tensor =>
      input(name, query.dtype, [this.#batch, keyValueHeads, this.#capacity, headWidth]);
    const result = cachedAttention(
      {
        query,
        key,
        value,
        pastKey: past(keys),
        pastValue: past(values),
        last: this.#last,
        total: this.#total,
        ...(rotary ? { rotary: this.tables(headWidth) } : {}),
      },
      { heads, keyValueHeads, scale: 1 / Math.sqrt(headWidth), window },
    );
    this.slots.push(keys, values);
    this.outputs[keys.output] = result.key;
    this.outputs[values.output] = result.value;
    return result.output;
  }

  /** Cosines and sines of every position, [P, K / 2] each, for models that look them up by positions of their own. */
  tables(headWidth: number): { cosines: Tensor; sines: Tensor } {
    const table = (name: string): Tensor => input(name, 'float32', ['P', headWidth / 2]);
    this.#rotary ??= { cosines: table(CACHE.cosines), sines: table(CACHE.sines) };
    return this.#rotary;
  }
}
