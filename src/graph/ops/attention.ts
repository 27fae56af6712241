import { apply, applyAll } from '../apply.ts';
import type { Tensor } from '../tensor.ts';

/** What attention over a cache takes beside its queries. */
export interface CachedAttentionInputs {
  /** [B, T, N·K] */
  readonly query: Tensor;
  /** [B, T, G·K] */
  readonly key: Tensor;
  readonly value: Tensor;
  /** [B, G, C, K], of which each row's first tokens are filled. */
  readonly pastKey: Tensor;
  readonly pastValue: Tensor;
  /** [B] int32: index of each row's last token, this run's included. */
  readonly last: Tensor;
  /** Scalar int32: one more than the largest of `last`. */
  readonly total: Tensor;
  /** Cosines and sines [positions, K / 2], to turn queries and keys by; first half of a head paired with the second. */
  readonly rotary?: { readonly cosines: Tensor; readonly sines: Tensor };
}

/**
 * Causal attention of T new tokens over themselves and all that the cache holds (Ainslie et al. 2023, arXiv 2305.13245 for
 * shared key and value heads). Keys and values are written behind those of earlier tokens; where past and present share
 * a buffer nothing is copied. A first run may hold rows of unequal length, filled up at the end; later ones with more than
 * one row take one token at a time. It has no gradient: training attends without a cache.
 * @returns the result [B, T, N·K] and the cache with the new tokens
 */
export function cachedAttention(
  { query, key, value, pastKey, pastValue, last, total, rotary }: CachedAttentionInputs,
  options: { heads: number; keyValueHeads: number; scale: number; window?: number | undefined },
): { output: Tensor; key: Tensor; value: Tensor } {
  const turned = rotary === undefined ? [] : [rotary.cosines, rotary.sines];
  const inputs = [query, key, value, pastKey, pastValue, last, total, ...turned];
  const [output, presentKey, presentValue] = applyAll('cachedAttention', inputs, options);
  return { output: output!, key: presentKey!, value: presentValue! };
}

/**
 * softmax(Q Kᵀ / √K) V for each head, without a mask, and without ever holding the scores of all pairs at once (Dao et al.
 * 2022, arXiv 2205.14135): for many tokens. The backward pass holds them.
 * @param query [B, T, N·K]  @param key [B, S, N·K]  @param value [B, S, N·K]
 * @returns [B, T, N·K]
 */
export function fusedAttention(query: Tensor, key: Tensor, value: Tensor, heads: number): Tensor {
  return apply('fusedAttention', [query, key, value], { heads });
}

/**
 * Turns each number of a head's first half with the one at its place in the second half, by its token's angle (Su et al. 2021,
 * arXiv 2104.09864). The tables have no gradient.
 * @param x [B, N, T, K]  @param cosines [T, K / 2], or [B, T, K / 2] where rows have angles of their own  @param sines as cosines
 * @returns [B, N, T, K]
 */
export function rotary(x: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  return apply('rotary', [x, cosines, sines], {});
}
