import type { ConvolutionOp, Window2d } from '../../graph/index.ts';
import type { Lowering, LoweringRules } from './shared.ts';

/** Windows that tile the picture without gaps or overlap, as in a patch embedding. */
function tiles({ kernel, strides, pads, dilations }: Window2d, height: number, width: number): boolean {
  const even = height % kernel[0] === 0 && width % kernel[1] === 0;
  const plain = pads.every((pad) => pad === 0) && dilations.every((dilation) => dilation === 1);
  return even && plain && kernel[0] === strides[0] && kernel[1] === strides[1];
}

export const convolutionLowering: LoweringRules<ConvolutionOp> = {
  conv2d: ({ builder }, { attributes: { kernel, strides, pads, dilations, groups } }, inputs) => [
    builder.op('Conv', inputs, { kernel_shape: kernel, strides, pads, dilations, group: groups }),
  ],

  conv2dInputGradient: (context, { inputs, attributes }, [gradient, weight]) => {
    const { builder } = context;
    const { kernel, strides, pads, dilations, groups, inputSize } = attributes;
    const [, , rows, columns] = inputs[0]!.shape as number[];
    if (groups === 1 && strides[0] === 1 && strides[1] === 1) {
      // A convolution with the kernel turned by 180° and its channels swapped; about ten times ConvTranspose's speed.
      const swapped = builder.op('Transpose', [weight!], { perm: [1, 0, 2, 3] });
      const flipped = builder.op('Slice', [
        swapped,
        builder.integers([-1, -1]),
        builder.integers([-kernel[0] - 1, -kernel[1] - 1]),
        builder.integers([2, 3]),
        builder.integers([-1, -1]),
      ]);
      const full = [dilations[0] * (kernel[0] - 1), dilations[1] * (kernel[1] - 1)] as const;
      const before = [full[0] - pads[0], full[1] - pads[1]] as const;
      const after = [
        inputSize[0] - rows! + full[0] - before[0],
        inputSize[1] - columns! + full[1] - before[1],
      ] as const;
      if ([...before, ...after].every((pad) => pad >= 0)) {
        return [
          builder.op('Conv', [gradient!, flipped], { kernel_shape: kernel, pads: [...before, ...after], dilations }),
        ];
      }
    }
    const reach = (axis: 0 | 1, size: number): number =>
      inputSize[axis] -
      ((size - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - pads[axis] - pads[axis + 2]!);
    const output_padding = [reach(0, rows!), reach(1, columns!)];
    const transposed = (from: string, by: string, group: number): string =>
      builder.op('ConvTranspose', [from, by], {
        kernel_shape: kernel,
        strides,
        pads,
        dilations,
        group,
        output_padding,
      });
    const [out, channels] = inputs[1]!.shape as [number, number];
    if (context.device === 'webgpu' && groups > 1 && channels === 1 && out > groups) {
      // WebGPU's ConvTranspose is wrong here: groups of several channels that each give a single one.
      const part = (x: string, axis: number, group: number): string => {
        const size = out / groups;
        return builder.op('Slice', [
          x,
          builder.integers([group * size]),
          builder.integers([(group + 1) * size]),
          builder.integers([axis]),
        ]);
      };
      const parts = Array.from({ length: groups }, (_, group) =>
        transposed(part(gradient!, 1, group), part(weight!, 0, group), 1),
      );
      return [builder.op('Concat', parts, { axis: 1 })];
    }
    return [transposed(gradient!, weight!, groups)];
  },

  unfold2d: (context, { inputs, outputs, attributes }, [x]) => {
    const { builder } = context;
    const [batch, channels, height, width] = inputs[0]!.shape as number[];
    const { kernel, strides, pads, dilations } = attributes;
    const target = context.shape(outputs[0]!.shape);
    const [, , taps, rows, columns] = outputs[0]!.shape as number[];
    if (taps === 1 && rows === height && columns === width) return [builder.op('Reshape', [x!, target])];
    if (tiles(attributes, height!, width!)) {
      const cut = builder.op('Reshape', [
        x!,
        builder.integers([batch!, channels!, rows!, kernel[0], columns!, kernel[1]]),
      ]);
      return [builder.op('Reshape', [builder.op('Transpose', [cut], { perm: [0, 1, 3, 5, 2, 4] }), target])];
    }
    const padded = pads.every((pad) => pad === 0)
      ? x!
      : builder.op('Pad', [x!, builder.integers([0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]])]);
    const pieces = offsets(kernel, dilations).map(([top, left]) => {
      const ends = [top + strides[0] * (rows! - 1) + 1, left + strides[1] * (columns! - 1) + 1];
      const piece = builder.op('Slice', [
        padded,
        builder.integers([top, left]),
        builder.integers(ends),
        builder.integers([2, 3]),
        builder.integers([...strides]),
      ]);
      return builder.op('Unsqueeze', [piece, builder.integers([2])]);
    });
    return [builder.op('Concat', pieces, { axis: 2 })];
  },

  fold2d: (context, { inputs, outputs, attributes }, [x]) => {
    const { builder } = context;
    const { kernel, strides, pads, dilations, inputSize } = attributes;
    const [batch, channels, taps, rows, columns] = inputs[0]!.shape as number[];
    const target = context.shape(outputs[0]!.shape);
    if (taps === 1 && rows === inputSize[0] && columns === inputSize[1]) return [builder.op('Reshape', [x!, target])];
    if (tiles(attributes, ...inputSize)) {
      const cut = builder.op('Reshape', [
        x!,
        builder.integers([batch!, channels!, kernel[0], kernel[1], rows!, columns!]),
      ]);
      return [builder.op('Reshape', [builder.op('Transpose', [cut], { perm: [0, 1, 4, 2, 5, 3] }), target])];
    }
    const size = [inputSize[0] + pads[0] + pads[2], inputSize[1] + pads[1] + pads[3]] as const;
    const placed = offsets(kernel, dilations).map(([top, left], tap) => {
      const piece = select(context, x!, tap);
      const spread = spreadOut(context, piece, [batch!, channels!, rows!, columns!], strides);
      const [high, wide] = [(rows! - 1) * strides[0] + 1, (columns! - 1) * strides[1] + 1];
      return builder.op('Pad', [
        spread,
        builder.integers([0, 0, top, left, 0, 0, size[0] - top - high, size[1] - left - wide]),
      ]);
    });
    const sum = placed.reduce((a, b) => builder.op('Add', [a, b]));
    if (pads.every((pad) => pad === 0)) return [sum];
    return [
      builder.op('Slice', [
        sum,
        builder.integers([pads[0], pads[1]]),
        builder.integers([pads[0] + inputSize[0], pads[1] + inputSize[1]]),
        builder.integers([2, 3]),
      ]),
    ];
  },
};

/** Rows and columns by which each element of the kernel is displaced. */
function offsets(kernel: readonly [number, number], dilations: readonly [number, number]): [number, number][] {
  return Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => [
    Math.floor(tap / kernel[1]) * dilations[0],
    (tap % kernel[1]) * dilations[1],
  ]);
}

function select({ builder }: Lowering, x: string, tap: number): string {
  return builder.op('Gather', [x, builder.scalar(tap, 'int64')], { axis: 2 });
}

/** Zeros between rows and columns, so that neighbours come to lie `strides` apart; nothing after the last ones. */
function spreadOut(
  { builder }: Lowering,
  x: string,
  [batch, channels, rows, columns]: number[],
  strides: readonly [number, number],
): string {
  if (strides[0] === 1 && strides[1] === 1) return x;
  const apart = builder.op('Reshape', [x, builder.integers([batch!, channels!, rows!, 1, columns!, 1])]);
  const filled = builder.op('Pad', [
    apart,
    builder.integers([0, 0, 0, 0, 0, 0, 0, 0, 0, strides[0] - 1, 0, strides[1] - 1]),
  ]);
  const joined = builder.op('Reshape', [
    filled,
    builder.integers([batch!, channels!, rows! * strides[0], columns! * strides[1]]),
  ]);
  const ends = [(rows! - 1) * strides[0] + 1, (columns! - 1) * strides[1] + 1];
  return builder.op('Slice', [joined, builder.integers([0, 0]), builder.integers(ends), builder.integers([2, 3])]);
}
