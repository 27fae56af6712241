import { GraphError } from '../../core/index.ts';
import {
  add,
  apply,
  cast,
  div,
  equal,
  exp,
  expand,
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

  // With r = 1 / √(mean(x²) + ε) and n = x r: dx = r (u − n · mean(u n)), u = g · scale
  rmsNorm: ({ inputs, attributes: { epsilon } }, [g]) => {
    const [x, scale] = inputs as [Tensor, Tensor];
    const width = x.shape.at(-1) as number;
    const meanSquare = mul(reduceSum(mul(x, x), -1, true), 1 / width);
    const r = reciprocal(sqrt(add(meanSquare, epsilon)));
    const n = mul(x, r);
    const u = mul(g!, scale);
    const projection = mul(reduceSum(mul(u, n), -1, true), 1 / width);
    return [mul(r, sub(u, mul(n, projection))), sumTo(mul(g!, n), scale.shape)];
  },

  crossEntropy: ({ inputs, outputs, attributes }, [g, gradientOfLogProbabilities]) => {
    if (gradientOfLogProbabilities !== undefined)
      throw new GraphError('the log-probabilities of crossEntropy have no gradient', 'use logSoftmax');
    return [apply('crossEntropyGradient', [outputs[1]!, inputs[1]!, g!], attributes), undefined];
  },
  crossEntropyGradient: notDifferentiable,
};
