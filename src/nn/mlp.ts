import { gelu, mul, relu, sigmoid, silu, type Tensor } from '../graph/index.ts';
import type { Initializer } from './initializers.ts';
import { Linear } from './layers.ts';
import { Module } from './module.ts';

/** Names of activations as they stand in configurations. */
export type Activation = 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'relu' | 'silu';

export function activate(x: Tensor, activation: Activation): Tensor {
  switch (activation) {
    case 'gelu':
      return gelu(x);
    case 'gelu_tanh':
      return gelu(x, 'tanh');
    case 'quick_gelu':
      // The approximation by a sigmoid of Hendrycks and Gimpel 2016, arXiv 1606.08415, which CLIP was trained with.
      return mul(x, sigmoid(mul(x, 1.702)));
    case 'relu':
      return relu(x);
    case 'silu':
      return silu(x);
  }
}

/** Two linear layers with an activation between them. */
export class Mlp extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #activation: Activation;

  constructor(
    width: number,
    hidden: number,
    options: { activation?: Activation; initializer?: Initializer; outputs?: number } = {},
  ) {
    super();
    const { activation, outputs = width, ...rest } = options;
    this.fc1 = new Linear(width, hidden, rest);
    this.fc2 = new Linear(hidden, outputs, rest);
    this.#activation = activation ?? 'gelu';
  }

  /** @param x [..., D]  @returns [..., D], or as many outputs as were asked for */
  forward(x: Tensor): Tensor {
    return this.fc2.forward(activate(this.fc1.forward(x), this.#activation));
  }
}

/** down(silu(gate(x)) ⊙ up(x)), the feed-forward part of Llama-like models (Shazeer 2020, arXiv 2002.05202). */
export class GatedMlp extends Module {
  readonly gate_proj: Linear;
  readonly up_proj: Linear;
  readonly down_proj: Linear;

  constructor(width: number, hidden: number, { bias = false }: { bias?: boolean } = {}) {
    super();
    this.gate_proj = new Linear(width, hidden, { bias });
    this.up_proj = new Linear(width, hidden, { bias });
    this.down_proj = new Linear(hidden, width, { bias });
  }

  /** @param x [..., D]  @returns [..., D] */
  forward(x: Tensor): Tensor {
    return this.down_proj.forward(mul(silu(this.gate_proj.forward(x)), this.up_proj.forward(x)));
  }
}
