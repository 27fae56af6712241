// D inputs of a linear layer, E its outputs, R rank
import {
  add,
  div,
  fromNumbers,
  matmul,
  mul,
  reduceSum,
  reshape,
  sqrt,
  stopGradient,
  sub,
  scalar,
  type Tensor,
} from '../../graph/index.ts';
import { kaimingUniform, ones, zeros } from '../initializers.ts';
import { Dropout, type Linear, type LinearAdaptation } from '../layers.ts';
import { Parameter } from '../parameter.ts';

/** The sizes of one low-rank change. */
export interface LoraLayerConfig {
  readonly rank: number;
  /** α, as it was given. */
  readonly alpha: number;
  /** What the product of both matrices is multiplied by: α over the rank or its root. */
  readonly scaling: number;
  /** Part of the inputs that is dropped while training. */
  readonly dropout: number;
  /** Whether rows of the changed weight have lengths of their own. */
  readonly dora: boolean;
}

/**
 * A change of low rank to one linear layer: y = x (W + s B A)ᵀ + b (LoRA, Hu et al. 2021, arXiv 2106.09685, equation 3). With
 * a magnitude m (DoRA, Liu et al. 2024, arXiv 2402.09353, equation 5) each row of W + s B A is brought to the length m of it;
 * no gradient flows through the length that it had (section 4.3).
 */
export class LoraLayer implements LinearAdaptation {
  readonly config: LoraLayerConfig;
  /** [R, D] */
  readonly a: Parameter;
  /** [E, R]; zeros at first, so that nothing changes. */
  readonly b: Parameter;
  /** [E], with DoRA; at first the lengths of W's rows. */
  readonly magnitude: Parameter | undefined;
  readonly #dropout: Dropout;

  constructor(layer: Linear, config: LoraLayerConfig) {
    const [outputs, inputs] = layer.weight.shape as readonly [number, number];
    this.config = config;
    this.a = new Parameter([config.rank, inputs], kaimingUniform);
    this.b = new Parameter([outputs, config.rank], zeros);
    this.magnitude = config.dora ? new Parameter([outputs], ones) : undefined;
    this.#dropout = new Dropout(config.dropout);
  }

  added(x: Tensor, product: Tensor, weight: Tensor): Tensor {
    const { scaling } = this.config;
    const dropped = this.#dropout.forward(x);
    // The narrow product is the one to be scaled.
    const narrow = matmul(dropped, this.a.tensor, { transB: true, alpha: scaling });
    const change = matmul(narrow, this.b.tensor, { transB: true });
    if (this.magnitude === undefined) return change;
    const factor = div(this.magnitude.tensor, changedLengths(weight, this.a.tensor, this.b.tensor, scaling));
    // As in PEFT, what is dropped is dropped for both products.
    const base = dropped === x ? product : matmul(dropped, weight, { transB: true });
    return add(mul(base, sub(factor, scalar(1))), mul(change, factor));
  }
}

/**
 * Lengths of the rows of W + s B A, of which no gradient is taken:
 * ‖w + s a‖² = ‖w‖² + 2 s w·a + s² ‖a‖², so that the sum is never written out.
 * @returns [E]
 */
function changedLengths(weight: Tensor, a: Tensor, b: Tensor, scaling: number): Tensor {
  const [w, down, up] = [stopGradient(weight), stopGradient(a), stopGradient(b)];
  const along = reduceSum(mul(matmul(w, down, { transB: true, alpha: 2 * scaling }), up), 1);
  const gram = matmul(down, down, { transB: true, alpha: scaling ** 2 });
  const change = reduceSum(mul(matmul(up, gram), up), 1);
  return sqrt(add(squaredLengths(w), add(along, change)));
}

/** @param w [E, D]  @returns [E] */
function squaredLengths(w: Tensor): Tensor {
  const [rows, width] = w.shape as readonly [number, number];
  // A product with ones is several times faster than a sum.
  const column = fromNumbers([width, 1], new Float32Array(width).fill(1));
  return reshape(matmul(mul(w, w), column), [rows]);
}
