// B batch, T tokens, D width
import { add, type Tensor } from '../../graph/index.ts';
import { type Activation, Dropout, initializers, LayerNorm, Mlp, Module, MultiheadAttention } from '../../nn/index.ts';

/** Sizes of a stack of transformer blocks. */
export interface TransformerConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward part; 4 × width by default. */
  readonly hidden?: number;
  readonly activation?: Activation;
  readonly dropout?: number;
}

const initializer = initializers.truncatedNormal(0.02);

/** Self-attention and feed-forward part, each normalised before and added after (Xiong et al. 2020, arXiv 2002.04745). */
export class TransformerBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attention: MultiheadAttention;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp;
  readonly #dropout: Dropout;

  constructor({ width, heads, hidden = 4 * width, activation = 'gelu_tanh', dropout = 0 }: TransformerConfig) {
    super();
    this.norm1 = new LayerNorm(width);
    this.attention = new MultiheadAttention(width, heads, { initializer });
    this.norm2 = new LayerNorm(width);
    this.mlp = new Mlp(width, hidden, { activation, initializer });
    this.#dropout = new Dropout(dropout);
  }

  /** @param x [B, T, D]  @param mask added to attention scores  @returns [B, T, D] */
  forward(x: Tensor, mask?: Tensor): Tensor {
    const normed = this.norm1.forward(x);
    const attended = add(x, this.#dropout.forward(this.attention.forward(normed, normed, mask)));
    return add(attended, this.#dropout.forward(this.mlp.forward(this.norm2.forward(attended))));
  }
}

/** Blocks one after another, and a last normalisation. */
export class Transformer extends Module {
  readonly layers: readonly TransformerBlock[];
  readonly norm: LayerNorm;

  constructor(config: TransformerConfig) {
    super();
    this.layers = Array.from({ length: config.layers }, () => new TransformerBlock(config));
    this.norm = new LayerNorm(config.width);
  }

  /** @param x [B, T, D]  @param mask added to attention scores  @returns [B, T, D] */
  forward(x: Tensor, mask?: Tensor): Tensor {
    return this.norm.forward(this.layers.reduce((state, layer) => layer.forward(state, mask), x));
  }
}
