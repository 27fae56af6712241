// B batch, T query tokens, S key tokens, C chosen tokens, D width, N heads, G key-value heads, K width of a head
import { ShapeError } from '../core/index.ts';
import {
  add,
  expand,
  gather,
  linear,
  matmul,
  reshape,
  slice,
  softmax,
  tap,
  type Tensor,
  transpose,
} from '../graph/index.ts';
import { type Initializer, xavierUniform, zeros } from './initializers.ts';
import type { KeyValueCache } from './cache.ts';
import { Linear, RMSNorm } from './layers.ts';
import { recomputable } from './mode.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { applyRotary, type Rotary } from './rope.ts';

/**
 * softmax(Q Kᵀ / √K + mask) V (Vaswani et al. 2017, arXiv 1706.03762, equation 1). The weights are named `weights`.
 * @param query [B, N, T, K]  @param key [B, N, S, K]  @param value [B, N, S, K]
 * @param mask added to the scores, broadcast to [B, N, T, S]
 * @returns [B, N, T, K]
 */
export function attend(query: Tensor, key: Tensor, value: Tensor, mask?: Tensor): Tensor {
  return recomputable('attention', [query, key, value], () => {
    const scores = matmul(query, key, { transB: true, alpha: 1 / Math.sqrt(query.shape.at(-1) as number) });
    const weights = tap('weights', softmax(mask === undefined ? scores : add(scores, mask)));
    return matmul(weights, value);
  });
}

/** [B, T, N·K] → [B, N, T, K] */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, length, width] = x.shape;
  if (typeof width !== 'number' || width % heads !== 0)
    throw new ShapeError(`a width of ${width} cannot be split into ${heads} heads`);
  return transpose(reshape(x, [batch!, length!, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B, N, T, K] → [B, T, N·K] */
export function mergeHeads(x: Tensor): Tensor {
  const [batch, heads, length, width] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [batch!, length!, (heads as number) * (width as number)]);
}

/**
 * Multi-head attention with the parameters of PyTorch's `nn.MultiheadAttention`: one joint projection for queries, keys
 * and values. Query and key may come from different modalities. Its attention maps are named `weights`.
 */
export class MultiheadAttention extends Module {
  readonly in_proj_weight: Parameter;
  readonly in_proj_bias: Parameter;
  readonly out_proj: Linear;
  readonly #width: number;
  readonly #heads: number;

  constructor(width: number, heads: number, options: { initializer?: Initializer } = {}) {
    super();
    this.in_proj_weight = new Parameter([3 * width, width], options.initializer ?? xavierUniform, { hidden: true });
    this.in_proj_bias = new Parameter([3 * width], zeros);
    this.out_proj = new Linear(width, width, { initializer: options.initializer ?? xavierUniform });
    this.#width = width;
    this.#heads = heads;
  }

  /**
   * @param query [B, T, D]  @param context [B, S, D], which gives keys and values
   * @param mask added to the scores, broadcast to [B, N, T, S]
   * @returns [B, T, D]
   */
  forward(query: Tensor, context: Tensor, mask?: Tensor): Tensor {
    const [q, k, v] =
      query === context ? this.#project(query, 0, 3) : [...this.#project(query, 0, 1), ...this.#project(context, 1, 3)];
    return this.out_proj.forward(mergeHeads(attend(q!, k!, v!, mask)));
  }

  /** Parts `from` to `to` of queries, keys and values, each [B, N, ·, K], by one product. */
  #project(x: Tensor, from: number, to: number): Tensor[] {
    const width = this.#width;
    const rows = (parameter: Parameter): Tensor =>
      from === 0 && to === 3 ? parameter.tensor : slice(parameter.tensor, 0, from * width, to * width);
    const joint = linear(x, rows(this.in_proj_weight), rows(this.in_proj_bias));
    // All heads are brought to the front before the parts are cut: a cut through every row is slow.
    const heads = splitHeads(joint, (to - from) * this.#heads);
    if (to - from === 1) return [heads];
    return Array.from({ length: to - from }, (_, i) => slice(heads, 1, i * this.#heads, (i + 1) * this.#heads));
  }
}

/** How a {@link GroupedQueryAttention} is built. */
export interface GroupedQueryConfig {
  readonly width: number;
  readonly heads: number;
  /** Heads of keys and values; each serves heads / keyValueHeads query heads (Ainslie et al. 2023, arXiv 2305.13245). */
  readonly keyValueHeads: number;
  readonly headWidth?: number;
  /** Biases of queries, keys and values. */
  readonly bias?: boolean;
  /** Bias of the output. */
  readonly outputBias?: boolean;
  /** Normalises each head of queries and keys, with this ε (Dehghani et al. 2023, arXiv 2302.05442, section 2.1). */
  readonly headNorm?: number;
}

/** Self-attention of Llama-like decoders: separate projections, grouped heads, rotary positions. */
export class GroupedQueryAttention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  readonly q_norm: RMSNorm | undefined;
  readonly k_norm: RMSNorm | undefined;
  readonly #heads: number;
  readonly #keyValueHeads: number;
  readonly #headWidth: number;

  constructor(config: GroupedQueryConfig) {
    super();
    const { width, heads, keyValueHeads, headWidth = width / heads, bias = false, headNorm } = config;
    this.q_proj = new Linear(width, heads * headWidth, { bias });
    this.k_proj = new Linear(width, keyValueHeads * headWidth, { bias });
    this.v_proj = new Linear(width, keyValueHeads * headWidth, { bias });
    this.o_proj = new Linear(heads * headWidth, width, { bias: config.outputBias ?? false });
    this.q_norm = headNorm === undefined ? undefined : new RMSNorm(headWidth, headNorm);
    this.k_norm = headNorm === undefined ? undefined : new RMSNorm(headWidth, headNorm);
    this.#heads = heads;
    this.#keyValueHeads = keyValueHeads;
    this.#headWidth = headWidth;
  }

  /**
   * @param x [B, T, D]  @param mask added to the scores
   * @param chosen [C] int64: which of the B · T tokens are wanted; all unless given
   * @returns [B, T, D], or [C, D] of the chosen tokens
   */
  forward(x: Tensor, rotary?: Rotary, mask?: Tensor, chosen?: Tensor): Tensor {
    const [heads, groups] = [this.#heads, this.#keyValueHeads];
    const split = (projected: Tensor, count: number, norm?: RMSNorm): Tensor =>
      transpose(this.#perHead(projected, count, norm), [0, 2, 1, 3]);
    let q = split(this.q_proj.forward(x), heads, this.q_norm);
    let k = split(this.k_proj.forward(x), groups, this.k_norm);
    const v = split(this.v_proj.forward(x), groups);
    if (rotary !== undefined) [q, k] = [applyRotary(q, rotary), applyRotary(k, rotary)];
    const times = heads / groups;
    const attended = mergeHeads(attend(q, repeatHeads(k, times), repeatHeads(v, times), mask));
    return this.o_proj.forward(chosen === undefined ? attended : chosenTokens(attended, chosen));
  }

  /**
   * As `forward`, over a cache, which is causal.
   * @param x [B, T, D]
   * @param rotary [B, T, 1, K] each; by default the cache turns queries and keys itself, by the place of their tokens
   * @returns [B, T, D]
   */
  forwardCached(x: Tensor, cache: KeyValueCache, rotary?: Rotary): Tensor {
    const [heads, keyValueHeads, headWidth] = [this.#heads, this.#keyValueHeads, this.#headWidth];
    const joined = (projected: Tensor, count: number, norm?: RMSNorm): Tensor => {
      if (norm === undefined && rotary === undefined) return projected;
      const split = this.#perHead(projected, count, norm);
      return reshape(rotary === undefined ? split : applyRotary(split, rotary), projected.shape);
    };
    const q = joined(this.q_proj.forward(x), heads, this.q_norm);
    const k = joined(this.k_proj.forward(x), keyValueHeads, this.k_norm);
    const v = this.v_proj.forward(x);
    return this.o_proj.forward(
      cache.attend(q, k, v, { heads, keyValueHeads, headWidth, rotary: rotary === undefined }),
    );
  }

  /** [B, T, N·K] → [B, T, N, K], normalised where there is a norm. */
  #perHead(projected: Tensor, heads: number, norm?: RMSNorm): Tensor {
    const [batch, length] = projected.shape;
    const split = reshape(projected, [batch!, length!, heads, this.#headWidth]);
    return norm === undefined ? split : norm.forward(split);
  }
}

/** @param x [B, T, D]  @param chosen [C] int64: which of the B · T tokens  @returns [C, D] */
export function chosenTokens(x: Tensor, chosen: Tensor): Tensor {
  return gather(reshape(x, [-1, x.shape.at(-1)!]), chosen);
}

/** [B, G, S, K] → [B, G·times, S, K], each head `times` times in a row. */
function repeatHeads(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [batch, heads, length, width] = x.shape;
  const wide = expand(reshape(x, [batch!, heads!, 1, length!, width!]), [batch!, heads!, times, length!, width!]);
  return reshape(wide, [batch!, (heads as number) * times, length!, width!]);
}
