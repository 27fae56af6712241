// B batch, T tokens, D width, C channels, H height, W width of a picture
import {
  add,
  cast,
  conv2d,
  gather,
  less,
  layerNorm,
  linear,
  mul,
  randomUniform,
  reshape,
  rmsNorm,
  staticShape,
  type Tensor,
  type WindowOptions,
} from '../graph/index.ts';
import { type Initializer, kaimingUniform, normal, ones, uniform, zeros } from './initializers.ts';
import { randomSite } from './mode.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';

/** Something that changes what a linear layer gives, such as a low-rank adapter. */
export interface LinearAdaptation {
  /**
   * @param x [..., inputs]  @param product x Wᵀ, [..., outputs]  @param weight W, [outputs, inputs]
   * @returns what is added to the layer's result, [..., outputs]
   */
  added(x: Tensor, product: Tensor, weight: Tensor): Tensor;
}

/** y = x Wᵀ + b. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #adaptations = new Set<LinearAdaptation>();

  /** @param options.hidden whether the result is states of a hidden layer, as it is by default, and not scores of classes or words */
  constructor(
    inputs: number,
    outputs: number,
    options: { bias?: boolean; initializer?: Initializer; hidden?: boolean } = {},
  ) {
    super();
    this.weight = new Parameter([outputs, inputs], options.initializer ?? kaimingUniform, {
      hidden: options.hidden ?? true,
    });
    // Beside a chosen initialiser the bias starts at zero, otherwise as in PyTorch.
    const biasInitializer = options.initializer ? zeros : uniform(1 / Math.sqrt(inputs));
    this.bias = options.bias === false ? undefined : new Parameter([outputs], biasInitializer);
  }

  /** From now on graphs hold the change too. Several add up. @returns takes it away again */
  adapt(adaptation: LinearAdaptation): () => void {
    this.#adaptations.add(adaptation);
    return () => void this.#adaptations.delete(adaptation);
  }

  /** @param x [..., inputs]  @returns [..., outputs] */
  forward(x: Tensor): Tensor {
    const weight = this.weight.tensor;
    if (this.#adaptations.size === 0) return linear(x, weight, this.bias?.tensor);
    const product = linear(x, weight);
    let sum = product;
    for (const adaptation of this.#adaptations) sum = add(sum, adaptation.added(x, product, weight));
    return this.bias === undefined ? sum : add(sum, this.bias.tensor);
  }
}

/** A table of vectors, looked up by index. */
export class Embedding extends Module {
  readonly weight: Parameter;

  constructor(count: number, width: number, options: { initializer?: Initializer } = {}) {
    super();
    this.weight = new Parameter([count, width], options.initializer ?? normal(0.02));
  }

  /** @param ids [...] int64  @returns [..., width] */
  forward(ids: Tensor): Tensor {
    return gather(this.weight.tensor, ids);
  }
}

/** Layer normalisation with a scale and a bias (Ba et al. 2016, arXiv 1607.06450). */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #epsilon: number;

  constructor(width: number, epsilon = 1e-5) {
    super();
    this.weight = new Parameter([width], ones);
    this.bias = new Parameter([width], zeros);
    this.#epsilon = epsilon;
  }

  /** @param x [..., D]  @returns [..., D] */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight.tensor, this.bias.tensor, this.#epsilon);
  }
}

/** Root-mean-square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467). */
export class RMSNorm extends Module {
  readonly weight: Parameter;
  readonly #epsilon: number;

  constructor(width: number, epsilon = 1e-6) {
    super();
    this.weight = new Parameter([width], ones);
    this.#epsilon = epsilon;
  }

  /** @param x [..., D]  @returns [..., D] */
  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight.tensor, this.#epsilon);
  }
}

/** Normalisation over groups of channels of a picture (Wu and He 2018, arXiv 1803.08494). */
export class GroupNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #groups: number;
  readonly #epsilon: number;

  constructor(groups: number, channels: number, epsilon = 1e-5) {
    super();
    this.weight = new Parameter([channels], ones);
    this.bias = new Parameter([channels], zeros);
    this.#groups = groups;
    this.#epsilon = epsilon;
  }

  /** @param x [B, C, H, W]  @returns [B, C, H, W] */
  forward(x: Tensor): Tensor {
    // The number of pictures may be open, their sizes not.
    const [batch] = x.shape;
    const [channels, ...sides] = staticShape(x.shape.slice(1), 'GroupNorm');
    const size = sides.reduce((product, side) => product * side, channels!) / this.#groups;
    const shape = typeof batch === 'number' ? [batch * this.#groups, -1] : [-1, size];
    const rows = layerNorm(reshape(x, shape), undefined, undefined, this.#epsilon);
    const perChannel = (parameter: Parameter): Tensor => reshape(parameter.tensor, [1, channels!, 1, 1]);
    return add(mul(reshape(rows, x.shape), perChannel(this.weight)), perChannel(this.bias));
  }
}

/** Two-dimensional convolution. */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly #options: WindowOptions & { readonly groups?: number };

  /** @param options.hidden whether it goes from states to states of hidden layers; unless told it does not, as where it begins at pixels */
  constructor(
    inputs: number,
    outputs: number,
    kernel: number,
    options: WindowOptions & {
      readonly groups?: number;
      readonly bias?: boolean;
      readonly initializer?: Initializer;
      readonly hidden?: boolean;
    } = {},
  ) {
    super();
    const { bias, initializer, hidden = false, ...window } = options;
    const fanIn = (inputs / (options.groups ?? 1)) * kernel * kernel;
    this.weight = new Parameter(
      [outputs, inputs / (options.groups ?? 1), kernel, kernel],
      initializer ?? kaimingUniform,
      { hidden },
    );
    this.bias =
      bias === false ? undefined : new Parameter([outputs], initializer ? zeros : uniform(1 / Math.sqrt(fanIn)));
    this.#options = window;
  }

  /** @param x [B, C, H, W]  @returns [B, out, H', W'] */
  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight.tensor, this.bias?.tensor, this.#options);
  }
}

/** Zeroes elements with a probability while training and scales the others up (Srivastava et al. 2014). */
export class Dropout extends Module {
  readonly #probability: number;

  constructor(probability: number) {
    super();
    this.#probability = probability;
  }

  /** @param x any shape  @returns the same shape; x itself outside of training */
  forward(x: Tensor): Tensor {
    const random = this.#probability > 0 ? randomSite() : undefined;
    if (random === undefined) return x;
    const kept = 1 - this.#probability;
    const mask = cast(less(randomUniform(random.seed, x.shape, random.site), kept), x.dtype);
    return mul(x, mul(mask, 1 / kept));
  }
}
