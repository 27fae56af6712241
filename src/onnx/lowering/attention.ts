import type { AttentionOp } from '../../graph/index.ts';
import { real } from '../builder.ts';
import { hasFusedKernels, type LoweringRules, MICROSOFT } from './shared.ts';

export const attentionLowering: LoweringRules<AttentionOp> = {
  cachedAttention: ({ builder }, { inputs, attributes: { heads, keyValueHeads, scale, window } }, names) =>
    builder.ops(
      'GroupQueryAttention',
      3,
      names,
      {
        num_heads: heads,
        kv_num_heads: keyValueHeads,
        scale: real(scale),
        do_rotary: Number(inputs.length > 7),
        ...(window === undefined ? {} : { local_window_size: window }),
      },
      MICROSOFT,
    ),

  fusedAttention: (context, { inputs, attributes: { heads } }, [query, key, value]) => {
    const { builder } = context;
    const width = inputs[0]!.shape[2] as number;
    const scale = 1 / Math.sqrt(width / heads);
    if (hasFusedKernels(context, inputs[0]!)) {
      const attributes = { num_heads: heads, scale: real(scale) };
      return [builder.op('MultiHeadAttention', [query!, key!, value!], attributes, MICROSOFT)];
    }
    // In the shape of a Reshape 0 stands for a size that stays.
    const perHead = (name: string, perm: readonly number[]): string =>
      builder.op('Transpose', [builder.op('Reshape', [name, builder.integers([0, 0, heads, width / heads])])], {
        perm,
      });
    const scores = builder.op('MatMul', [perHead(query!, [0, 2, 1, 3]), perHead(key!, [0, 2, 3, 1])]);
    const scaled = builder.op('Mul', [scores, builder.scalar(scale, inputs[0]!.dtype)]);
    const weights = builder.op('Softmax', [scaled], { axis: -1 });
    const result = builder.op('MatMul', [weights, perHead(value!, [0, 2, 1, 3])]);
    const merged = builder.op('Transpose', [result], { perm: [0, 2, 1, 3] });
    return [builder.op('Reshape', [merged, builder.integers([0, 0, width])])];
  },
};
