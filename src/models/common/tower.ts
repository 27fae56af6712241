// B batch, T tokens, D width
import { add, slice, tap, type Tensor } from '../../graph/index.ts';
import {
  type Activation,
  type Initializer,
  initializers,
  LayerNorm,
  Mlp,
  Module,
  type Parameter,
  ProjectedAttention,
  recomputable,
} from '../../nn/index.ts';

/** Sizes of one tower of a model of pictures and texts. */
export interface TowerConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward part. */
  readonly hidden: number;
  readonly activation: Activation;
  readonly normEpsilon: number;
}

/** What an encoder gives. */
export interface EncoderOutput {
  /** [B, T, D] */
  readonly lastHiddenState: Tensor;
  /** One vector for the whole, [B, D], where the model has a part for that. */
  readonly pooled: Tensor | undefined;
  /** What goes into the first block and what comes out of each, [B, T, D]; blocks name theirs `state`. */
  readonly states: readonly Tensor[];
}

export const towerInitializer: Initializer = initializers.normal(0.02);

/** Self-attention and feed-forward part, each normalised before and added after, with the names of CLIP and its kin. */
class TowerLayer extends Module {
  readonly self_attn: ProjectedAttention;
  readonly layer_norm1: LayerNorm;
  readonly mlp: Mlp;
  readonly layer_norm2: LayerNorm;

  constructor({ width, heads, hidden, activation, normEpsilon }: TowerConfig) {
    super();
    this.self_attn = new ProjectedAttention(width, heads, { initializer: towerInitializer });
    this.layer_norm1 = new LayerNorm(width, normEpsilon);
    this.mlp = new Mlp(width, hidden, { activation, initializer: towerInitializer });
    this.layer_norm2 = new LayerNorm(width, normEpsilon);
  }

  /** @param x [B, T, D]  @param mask added to attention scores  @returns [B, T, D] */
  forward(x: Tensor, mask?: Tensor): Tensor {
    const normed = this.layer_norm1.forward(x);
    const attended = add(x, this.self_attn.forward(normed, normed, mask));
    return tap('state', add(attended, this.mlp.forward(this.layer_norm2.forward(attended))));
  }
}

/** The blocks of a tower. */
export class Tower extends Module {
  readonly layers: readonly TowerLayer[];

  constructor(config: TowerConfig) {
    super();
    this.layers = Array.from({ length: config.layers }, () => new TowerLayer(config));
  }

  /** @param x [B, T, D]  @param mask added to attention scores  @returns `x` and what comes out of each block */
  forward(x: Tensor, mask?: Tensor): Tensor[] {
    const states = [x];
    for (const layer of this.layers) {
      const state = states.at(-1)!;
      states.push(recomputable('layer', [state], () => layer.forward(state, mask)));
    }
    return states;
  }
}

/** The first rows of a table of learned positions, for texts of the length of `tokens`. @param tokens [B, T]  @returns [T, D] */
export function firstPositions(table: Parameter, tokens: Tensor): Tensor {
  return slice(table.tensor, 0, 0, tokens.shape[1]!);
}
