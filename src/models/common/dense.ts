// B batch, T query tokens, S key tokens, D width, N heads
import type { Tensor } from '../../graph/index.ts';
import { attendHeads, initializers, Linear, Module } from '../../nn/index.ts';

const initializer = initializers.normal(0.02);

/** A linear layer called `dense`, as BERT and ViT have it in every block. */
export class Dense extends Module {
  readonly dense: Linear;

  constructor(inputs: number, outputs: number) {
    super();
    this.dense = new Linear(inputs, outputs, { initializer });
  }

  /** @param x [..., inputs]  @returns [..., outputs] */
  forward(x: Tensor): Tensor {
    return this.dense.forward(x);
  }
}

/** Attention with the names of BERT and ViT, without its output projection. */
export class QueryKeyValue extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;

  readonly #heads: number;

  /** @param options.context width of what gives keys and values */
  constructor(width: number, heads: number, options: { bias?: boolean; context?: number } = {}) {
    super();
    const { bias = true, context = width } = options;
    this.query = new Linear(width, width, { bias, initializer });
    this.key = new Linear(context, width, { bias, initializer });
    this.value = new Linear(context, width, { bias, initializer });
    this.#heads = heads;
  }

  /**
   * @param query [B, T, D]  @param context [B, S, ·], which gives keys and values
   * @param mask added to the scores, broadcast to [B, N, T, S]
   * @returns [B, T, D]
   */
  forward(query: Tensor, context: Tensor, mask?: Tensor): Tensor {
    const [k, v] = [this.key.forward(context), this.value.forward(context)];
    return attendHeads(this.query.forward(query), k, v, this.#heads, mask);
  }
}
