import {
  apply,
  type ConvolutionOp,
  matmul,
  type Node,
  type ProductOp,
  reduceSum,
  reshape,
  staticShape,
  sumTo,
  type Tensor,
} from '../../graph/index.ts';
import { type GradientRules, notDifferentiable } from './shared.ts';

/** All but the last dimension joined into one. */
function asRows(x: Tensor): Tensor {
  return reshape(x, [-1, x.shape.at(-1)!]);
}

export const productRules: GradientRules<ProductOp | ConvolutionOp> = {
  matmul: ({ inputs, attributes: { transA, transB, alpha } }, [g]) => {
    const [a, b] = inputs as [Tensor, Tensor];
    // With A' = op(A) and B' = op(B): dA' = alpha · G B'ᵀ and dB' = alpha · A'ᵀ G; a transposed operand swaps sides.
    const da = transA
      ? matmul(b, g!, { transA: transB, transB: true, alpha })
      : matmul(g!, b, { transB: !transB, alpha });
    let db: Tensor;
    if (b.rank === 2 && a.rank > 2 && !transA) {
      // One product over all rows in place of a batch of products and a sum.
      const [rowsA, rowsG] = [asRows(a), asRows(g!)];
      db = transB ? matmul(rowsG, rowsA, { transA: true, alpha }) : matmul(rowsA, rowsG, { transA: true, alpha });
    } else {
      db = transB ? matmul(g!, a, { transA: true, transB: transA, alpha }) : matmul(a, g!, { transA: !transA, alpha });
    }
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },

  linear: ({ inputs }, [g]) => {
    const [x, weight, bias] = inputs as [Tensor, Tensor, Tensor | undefined];
    const rows = asRows(g!);
    return [
      reshape(matmul(rows, weight), x.shape),
      matmul(rows, asRows(x), { transA: true }),
      bias === undefined ? undefined : reduceSum(rows, 0),
    ];
  },

  conv2d: (node, [g]) => {
    const [x, weight, bias] = node.inputs as [Tensor, Tensor, Tensor | undefined];
    const { kernel, strides, pads, dilations, groups } = node.attributes;
    const inputSize = staticShape(x.shape.slice(2), 'the gradient of a convolution') as [number, number];
    return [
      apply('conv2dInputGradient', [g!, weight], { kernel, strides, pads, dilations, groups, inputSize }),
      convolutionWeightGradient(node, x, weight, g!),
      bias === undefined ? undefined : reduceSum(g!, [0, 2, 3]),
    ];
  },
  conv2dInputGradient: notDifferentiable,
  unfold2d: ({ inputs, attributes }, [g]) => [
    apply('fold2d', [g!], {
      ...attributes,
      inputSize: staticShape(inputs[0]!.shape.slice(2), 'the gradient of unfold2d') as [number, number],
    }),
  ],
  fold2d: ({ attributes: { kernel, strides, pads, dilations } }, [g]) => [
    apply('unfold2d', [g!], { kernel, strides, pads, dilations }),
  ],
};

/**
 * dW as products over unfolded windows; a convolution of the input with the gradient is an order of magnitude slower
 * on CPU. Groups are one more batch dimension.
 */
function convolutionWeightGradient(node: Node<'conv2d'>, x: Tensor, weight: Tensor, g: Tensor): Tensor {
  const { kernel, strides, pads, dilations, groups } = node.attributes;
  const columns = apply('unfold2d', [x], { kernel, strides, pads, dilations });
  const [batch, channels] = x.shape;
  const [out] = weight.shape as [number];
  const taps = kernel[0] * kernel[1];
  const a = reshape(g, [batch!, groups, out / groups, -1]);
  const b = reshape(columns, [batch!, groups, ((channels as number) / groups) * taps, -1]);
  return reshape(reduceSum(matmul(a, b, { transB: true }), 0), weight.shape);
}
