import type { AttentionOp } from '../../graph/index.ts';
import { real } from '../builder.ts';
import { type LoweringRules, MICROSOFT } from './shared.ts';

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
};
