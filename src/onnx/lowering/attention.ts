// B batch, N heads, T tokens, K width of a head
import { type HostTensor, hostTensor } from '../../core/index.ts';
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

  // The engine looks tables up by positions: rows that have angles of their own are one long table, each token at its place.
  rotary: (context, { inputs }, [x, cosines, sines]) => {
    const { builder } = context;
    const [turned, table] = [inputs[0]!, inputs[1]!];
    const half = (turned.shape[3] as number) / 2;
    const [batch, length] = [turned.shape[0]!, turned.shape[2]!];
    const own = table.rank === 3;
    if (hasFusedKernels(context, turned) && (!own || (typeof batch === 'number' && typeof length === 'number'))) {
      const places = own ? placesOf(batch as number, length as number) : hostTensor('int64', [1]);
      const long = (name: string): string => (own ? builder.op('Reshape', [name, builder.integers([-1, half])]) : name);
      const names = [x!, builder.constant(places), long(cosines!), long(sines!)];
      return [builder.op('RotaryEmbedding', names, {}, MICROSOFT)];
    }
    const [a, b] = builder.ops('Split', 2, [x!, builder.integers([half, half])], { axis: -1 }) as [string, string];
    const perHead = (name: string): string => (own ? builder.op('Unsqueeze', [name, builder.integers([1])]) : name);
    const [cos, sin] = [perHead(cosines!), perHead(sines!)];
    const mul = (left: string, right: string): string => builder.op('Mul', [left, right]);
    const first = builder.op('Sub', [mul(a, cos), mul(b, sin)]);
    return [builder.op('Concat', [first, builder.op('Add', [mul(b, cos), mul(a, sin)])], { axis: -1 })];
  },

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

/** 0 to B · T − 1 as [B, T]. */
function placesOf(batch: number, length: number): HostTensor<'int64'> {
  return hostTensor(
    'int64',
    [batch, length],
    BigInt64Array.from({ length: batch * length }, (_, i) => BigInt(i)),
  );
}
