import { type DType, hostTensor } from '../../core/index.ts';
import type { ReductionOp, Shape } from '../../graph/index.ts';
import { hasFusedKernels, type Lowering, type LoweringRules } from './shared.ts';

export const reductionLowering: LoweringRules<ReductionOp> = {
  // Sums over the first or the last axes are products with a vector of ones, several times as fast as ReduceSum on CPU.
  reduceSum: (context, { inputs, outputs, attributes: { axes, keepDims } }, [x]) => {
    const { builder } = context;
    const { shape } = inputs[0]!;
    const sizes = shape.filter((dim) => typeof dim === 'number');
    if (hasFusedKernels(context, inputs[0]!) && sizes.length === shape.length && axes.length < shape.length) {
      const leading = axes.every((axis, i) => axis === i);
      const trailing = axes.every((axis, i) => axis === shape.length - axes.length + i);
      const count = axes.reduce((product, axis) => product * sizes[axis]!, 1);
      const rest = sizes.reduce((a, b) => a * b, 1) / count;
      if (leading || trailing) {
        const sum = leading
          ? builder.op('MatMul', [
              ones(context, [1, count]),
              builder.op('Reshape', [x!, builder.integers([count, rest])]),
            ])
          : rowSums(context, builder.op('Reshape', [x!, builder.integers([rest, count])]), count, 1);
        return [builder.op('Reshape', [sum, builder.integers(outputs[0]!.shape as number[])])];
      }
    }
    return [builder.op('ReduceSum', [x!, builder.integers(axes)], { keepdims: Number(keepDims) })];
  },
  reduceMax: ({ builder }, { attributes: { axes, keepDims } }, [x]) => [
    builder.op('ReduceMax', [x!, builder.integers(axes)], { keepdims: Number(keepDims) }),
  ],
  argmax: ({ builder }, { attributes: { axis } }, [x]) => [builder.op('ArgMax', [x!], { axis, keepdims: 0 })],
};

/** A constant of ones. */
export function ones(context: Lowering, shape: readonly number[], value = 1): string {
  const tensor = hostTensor('float32', shape);
  tensor.data.fill(value);
  return context.builder.constant(tensor);
}

/** factor · sum over the last axis of [..., width], kept as 1. */
export function rowSums(context: Lowering, x: string, width: number, factor: number, dtype: DType = 'float32'): string {
  const { builder } = context;
  if (context.device === 'cpu' && dtype === 'float32')
    return builder.op('MatMul', [x, ones(context, [width, 1], factor)]);
  const sum = builder.op('ReduceSum', [x, builder.integers([-1])], { keepdims: 1 });
  return factor === 1 ? sum : builder.op('Mul', [sum, builder.scalar(factor, dtype)]);
}

/** The last size of a shape, which lowering of normalisations needs as a number. */
export function lastSize(shape: Shape): number {
  return shape.at(-1) as number;
}
