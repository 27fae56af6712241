import {
  apply,
  concat,
  matmul,
  type Node,
  pad,
  reduceSum,
  reshape,
  slice,
  staticShape,
  sumTo,
  type Tensor,
} from '../../graph/index.ts';
import { type GradientRules, notDifferentiable } from './shared.ts';

/** All but the last dimension joined into one. */
function asRows(x: Tensor): Tensor {
  return reshape(x, [-1, x.shape.at(-1)!]);
}

export const productRules: GradientRules<
  'matmul' | 'linear' | 'conv2d' | 'conv2dInputGradient' | 'unfold2d' | 'fold2d'
> = {
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
  const [batch, channels] = x.shape;
  const [out] = weight.shape as [number];
  const taps = kernel[0] * kernel[1];
  const dense = taps > 1 && strides[0] === 1 && strides[1] === 1;
  const [windows, cotangent] = dense
    ? denseWindows(node, x, g)
    : [apply('unfold2d', [x], { kernel, strides, pads, dilations }), g];
  const a = reshape(cotangent, [batch!, groups, out / groups, -1]);
  const b = reshape(windows, [batch!, groups, ((channels as number) / groups) * taps, -1]);
  return reshape(reduceSum(matmul(a, b, { transB: true }), 0), weight.shape);
}

/**
 * Windows that move by one, as runs of the padded picture read row after row: one copy each, where cutting rows out takes
 * as many copies as there are rows. A run also passes over the padding between two rows; the cotangent is 0 there.
 * @returns windows [B, C, taps, L] and the cotangent [B, out, L], L rows of the padded width
 */
function denseWindows({ attributes }: Node<'conv2d'>, x: Tensor, g: Tensor): [Tensor, Tensor] {
  const { kernel, pads, dilations } = attributes;
  const [batch, channels, , width] = x.shape;
  const [, out, rows, columns] = g.shape as number[];
  const paddedWidth = (width as number) + pads[1] + pads[3];
  const length = rows! * paddedWidth;
  // The last window's run ends in a row below the picture.
  const padded = pad(x, [0, 0, pads[0], pads[1]], [0, 0, pads[2] + 1, pads[3]]);
  const picture = reshape(padded, [batch!, channels!, 1, -1]);
  const runs: Tensor[] = [];
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const start = i * dilations[0] * paddedWidth + j * dilations[1];
      runs.push(slice(picture, 3, start, start + length));
    }
  }
  const cotangent = pad(g, [0, 0, 0, 0], [0, 0, 0, paddedWidth - columns!]);
  return [concat(runs, 2), reshape(cotangent, [g.shape[0]!, out!, length])];
}
