// N texts, P picture tokens, D width
import { add, mul, slice, type Tensor } from '../../graph/index.ts';
import { initializers, LayerNorm, Linear, Mlp, Module, MultiheadAttention } from '../../nn/index.ts';

/**
 * A transformer block over a picture's tokens in which a text scales and shifts what both normalisations give (FiLM, Perez et al.
 * 2018, arXiv 1709.07871, in the place where Peebles and Xie 2022, arXiv 2212.09748, have it).
 */
class ConditionedBlock extends Module {
  readonly condition: Linear;
  readonly norm1: LayerNorm;
  readonly attention: MultiheadAttention;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp;
  readonly #width: number;

  constructor(width: number, heads: number) {
    super();
    // Text and picture have to multiply from the first step on: with weights near zero neither would learn from the other.
    const initializer = initializers.lecunNormal;
    this.condition = new Linear(width, 4 * width, { initializer });
    this.norm1 = new LayerNorm(width);
    this.attention = new MultiheadAttention(width, heads);
    this.norm2 = new LayerNorm(width);
    this.mlp = new Mlp(width, 2 * width, { activation: 'gelu_tanh', initializer });
    this.#width = width;
  }

  /** @param tokens [N, P, D]  @param text [N, 1, D], normalised  @returns [N, P, D] */
  forward(tokens: Tensor, text: Tensor): Tensor {
    const condition = this.condition.forward(text);
    const part = (i: number): Tensor => slice(condition, 2, i * this.#width, (i + 1) * this.#width);
    const film = (x: Tensor, i: number): Tensor => add(mul(x, add(part(i), 1)), part(i + 1));
    const normed = film(this.norm1.forward(tokens), 0);
    const attended = add(tokens, this.attention.forward(normed, normed));
    return add(attended, this.mlp.forward(film(this.norm2.forward(attended), 2)));
  }
}

/** Blocks one after another, and what normalises the text before it conditions them. */
export class Conditioning extends Module {
  readonly norm: LayerNorm;
  readonly layers: readonly ConditionedBlock[];

  constructor(width: number, heads: number, layers: number) {
    super();
    this.norm = new LayerNorm(width);
    this.layers = Array.from({ length: layers }, () => new ConditionedBlock(width, heads));
  }

  /** @param tokens [N, P, D], those of each text's picture  @param text [N, 1, D], normalised  @returns [N, P, D] */
  forward(tokens: Tensor, text: Tensor): Tensor {
    return this.layers.reduce((state, layer) => layer.forward(state, text), tokens);
  }
}
