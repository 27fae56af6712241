// B batch, T query tokens, S key tokens, D width, N heads, K width of a head
import { tap, type Tensor } from '../graph/index.ts';
import { attend, mergeHeads, splitHeads } from './attention.ts';
import { type Initializer, xavierUniform } from './initializers.ts';
import { Linear } from './layers.ts';
import { Module } from './module.ts';

/**
 * Attention between queries, keys and values that were projected already. Keys are named `keys`, attention maps `weights`.
 * @param query [B, T, N·K]  @param key [B, S, N·K]  @param value [B, S, N·K]
 * @param mask added to the scores, broadcast to [B, N, T, S]
 * @returns [B, T, N·K]
 */
export function attendHeads(query: Tensor, key: Tensor, value: Tensor, heads: number, mask?: Tensor): Tensor {
  const split = (x: Tensor): Tensor => splitHeads(x, heads);
  return mergeHeads(attend(split(query), split(tap('keys', key)), split(value), mask));
}

/** Multi-head attention with a linear layer of its own for each of queries, keys, values and the output. */
export class ProjectedAttention extends Module {
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly q_proj: Linear;
  readonly out_proj: Linear;
  readonly #heads: number;

  constructor(width: number, heads: number, options: { initializer?: Initializer } = {}) {
    super();
    const linear = (): Linear => new Linear(width, width, { initializer: options.initializer ?? xavierUniform });
    this.k_proj = linear();
    this.v_proj = linear();
    this.q_proj = linear();
    this.out_proj = linear();
    this.#heads = heads;
  }

  /**
   * @param query [B, T, D]  @param context [B, S, D], which gives keys and values
   * @param mask added to the scores, broadcast to [B, N, T, S]
   * @returns [B, T, D]
   */
  forward(query: Tensor, context: Tensor, mask?: Tensor): Tensor {
    const q = this.q_proj.forward(query);
    const [k, v] = [this.k_proj.forward(context), this.v_proj.forward(context)];
    return this.out_proj.forward(attendHeads(q, k, v, this.#heads, mask));
  }
}
