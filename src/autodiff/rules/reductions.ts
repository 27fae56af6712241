import { GraphError } from '../../core/index.ts';
import {
  add,
  apply,
  cast,
  div,
  equal,
  exp,
  expand,
  matmul,
  mul,
  type Node,
  type NormalizationOp,
  type ReductionOp,
  reciprocal,
  reduceSum,
  reshape,
  sqrt,
  sub,
  sumTo,
  type Tensor,
} from '../../graph/index.ts';
import { type GradientRules, noGradient, notDifferentiable } from './shared.ts';

/** A reduced tensor with its lost dimensions put back as 1. */
function restore(reduced: Tensor, { inputs, attributes }: Node<'reduceSum' | 'reduceMax'>): Tensor {
  return reshape(
    reduced,
    inputs[0]!.shape.map((dim, i) => (attributes.axes.includes(i) ? 1 : dim)),
  );
}

export const reductionRules: GradientRules<ReductionOp | NormalizationOp> = {
  reduceSum: (node, [g]) => [expand(restore(g!, node), node.inputs[0]!.shape)],
  reduceMax: (node, [g]) => {
    const x = node.inputs[0]!;
    const chosen = cast(equal(x, restore(node.outputs[0]!, node)), x.dtype);
    const share = div(restore(g!, node), reduceSum(chosen, node.attributes.axes, true));
    return [mul(chosen, share)];
  },
  argmax: noGradient,
  softmax: ({ outputs }, [g]) => [apply('softmaxGradient', [g!, outputs[0]!], {})],
  softmaxGradient: notDifferentiable,
  logSoftmax: ({ outputs }, [g]) => [sub(g!, mul(exp(outputs[0]!), reduceSum(g!, -1, true)))],

  layerNorm: ({ inputs, outputs }, [g, ...statistics]) => {
    if (statistics.some((gradient) => gradient !== undefined))
      throw new GraphError('the statistics of a layer norm have no gradient');
    const [x, scale, bias] = inputs as [Tensor, Tensor | undefined, Tensor | undefined];
    const [y, mean, inverseDeviation] = outputs as [Tensor, Tensor, Tensor];
    const normalized = scale === undefined ? y : mul(sub(x, mean), inverseDeviation);
    const weighted = mul(g!, normalized);
    const others = scale === undefined ? [] : [scale];
    return [
      apply('layerNormGradient', [g!, weighted, normalized, inverseDeviation, ...others], {}),
      scale && sumTo(weighted, scale.shape),
      bias && sumTo(g!, bias.shape),
    ];
  },
  layerNormGradient: notDifferentiable,

  // With r = 1 / √(mean(x²) + ε) of each row, s the scale and p = g ⊙ x: dx = r (g ⊙ s) − x · r³ mean(p ⊙ s), and the scale gets
  // the rows of p, each r times. Both sums over p are products, with s / D and with r, so that what is normalised is not needed.
  rmsNorm: ({ inputs, attributes: { epsilon } }, [g]) => {
    const [x, scale] = inputs as [Tensor, Tensor];
    const width = x.shape.at(-1) as number;
    const meanSquare = mul(reduceSum(mul(x, x), -1, true), 1 / width);
    const r = reciprocal(sqrt(add(meanSquare, epsilon)));
    const p = mul(g!, x);
    const mean = matmul(p, reshape(mul(scale, 1 / width), [width, 1]));
    const towards = sub(mul(mul(g!, scale), r), mul(x, mul(mean, mul(r, mul(r, r)))));
    return [towards, reshape(matmul(reshape(r, [1, -1]), reshape(p, [-1, width])), scale.shape)];
  },

  crossEntropy: ({ inputs, outputs, attributes }, [g, gradientOfLogProbabilities]) => {
    if (gradientOfLogProbabilities !== undefined)
      throw new GraphError('the log-probabilities of crossEntropy have no gradient', 'use logSoftmax');
    return [apply('crossEntropyGradient', [outputs[1]!, inputs[1]!, g!], attributes), undefined];
  },
  crossEntropyGradient: notDifferentiable,
};
