// B batch, T query tokens, S key tokens, N heads, K width of a head
import {
  apply,
  type AttentionOp,
  matmul,
  neg,
  reshape,
  rotary,
  softmax,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import { type GradientRules, notDifferentiable } from './shared.ts';

export const attentionRules: GradientRules<AttentionOp> = {
  cachedAttention: notDifferentiable,

  // Back by the same angles.
  rotary: ({ inputs }, [gradient]) => [rotary(gradient!, inputs[1]!, neg(inputs[2]!)), undefined, undefined],

  fusedAttention: ({ inputs, attributes: { heads } }, [gradient]) => {
    const width = inputs[0]!.shape[2] as number;
    const alpha = 1 / Math.sqrt(width / heads);
    const split = (x: Tensor): Tensor =>
      transpose(reshape(x, [x.shape[0]!, x.shape[1]!, heads, width / heads]), [0, 2, 1, 3]);
    const merge = (x: Tensor): Tensor => reshape(transpose(x, [0, 2, 1, 3]), [x.shape[0]!, x.shape[2]!, width]);
    const [q, k, v, g] = [...inputs, gradient!].map(split) as [Tensor, Tensor, Tensor, Tensor];
    // The scores were not kept, and are computed again.
    const weights = softmax(matmul(q, k, { transB: true, alpha }));
    const scores = apply('softmaxGradient', [matmul(g, v, { transB: true }), weights], {});
    return [
      merge(matmul(scores, k, { alpha })),
      merge(matmul(scores, q, { transA: true, alpha })),
      merge(matmul(weights, g, { transA: true })),
    ];
  },
};
