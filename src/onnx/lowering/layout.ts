import { hostTensor } from '../../core/index.ts';
import type { LayoutOp, Tensor } from '../../graph/index.ts';
import { dataType } from '../builder.ts';
import { reshapeTarget } from './products.ts';
import type { LoweringRules } from './shared.ts';

export const layoutLowering: LoweringRules<LayoutOp> = {
  reshape: (context, { attributes }, [x]) => [
    context.builder.op('Reshape', [x!, reshapeTarget(context, attributes.shape)]),
  ],
  transpose: ({ builder }, { attributes }, inputs) => [
    builder.op('Transpose', inputs, { perm: attributes.permutation }),
  ],
  expand: (context, { attributes }, [x]) => [context.builder.op('Expand', [x!, context.shape(attributes.shape)])],
  slice: (context, { attributes: { axis, start, end, step } }, [x]) => {
    const { builder } = context;
    return [
      builder.op('Slice', [
        x!,
        builder.integers([start]),
        context.size(end),
        builder.integers([axis]),
        builder.integers([step]),
      ]),
    ];
  },
  concat: ({ builder }, { attributes }, inputs) => [builder.op('Concat', inputs, { axis: attributes.axis })],
  pad: ({ builder }, { inputs, attributes: { before, after, value } }, [x]) => [
    builder.op('Pad', [x!, builder.integers([...before, ...after]), builder.scalar(value, inputs[0]!.dtype)]),
  ],
  gather: (context, { inputs, attributes: { axis } }, names) => {
    const stored = context.stored(inputs[0]!);
    // Rows first, numbers after: no table of embeddings is converted as a whole.
    if (stored !== undefined && axis === 0) return [stored.rows(names[1]!)];
    return [context.builder.op('Gather', names, { axis })];
  },

  // ScatterND races where indices repeat, ScatterElements does not. WebGPU has neither with addition: a product with
  // the one-hot matrix of the indices gives the same sums.
  scatterAddRows: (context, { inputs, outputs, attributes: { rows } }, [indices, updates]) => {
    const { builder, device } = context;
    const values = inputs[1] as Tensor;
    const width = values.shape.at(-1) as number;
    const flat = builder.op('Reshape', [updates!, builder.integers([-1, width])]);
    const column = builder.op('Reshape', [indices!, builder.integers([-1, 1])]);
    if (device === 'webgpu') {
      const positions = hostTensor(
        'int32',
        [1, rows],
        Int32Array.from({ length: rows }, (_, i) => i),
      );
      const small = builder.op('Cast', [column], { to: dataType('int32') });
      const oneHot = builder.op('Cast', [builder.op('Equal', [small, builder.constant(positions)])], {
        to: dataType(values.dtype),
      });
      return [builder.op('Gemm', [oneHot, flat], { transA: 1 })];
    }
    const wide = builder.op('Expand', [column, builder.op('Shape', [flat])]);
    const empty = builder.op('Expand', [
      builder.scalar(0, values.dtype),
      builder.integers(outputs[0]!.shape as number[]),
    ]);
    return [builder.op('ScatterElements', [empty, wide, flat], { axis: 0, reduction: 'add' })];
  },
  scatterElements: ({ builder }, { attributes: { axis, reduction } }, inputs) => [
    builder.op('ScatterElements', inputs, { axis, reduction }),
  ],
};
