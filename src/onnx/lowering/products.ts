import { type ProductOp, countElements, type Shape, type Tensor } from '../../graph/index.ts';
import { real } from '../builder.ts';
import { hasFusedKernels, type Lowering, type LoweringRules, MICROSOFT } from './shared.ts';

export const productLowering: LoweringRules<ProductOp> = {
  matmul: (context, { inputs, attributes }, [a, b]) => {
    const { builder } = context;
    const { transA, transB, alpha } = attributes;
    const [x, y] = inputs as [Tensor, Tensor];
    if (!transA && !transB && alpha === 1) return [builder.op('MatMul', [a!, b!])];
    if (x.rank === 2 && y.rank === 2) {
      return [builder.op('Gemm', [a!, b!], { transA: Number(transA), transB: Number(transB), alpha: real(alpha) })];
    }
    if (hasFusedKernels(context, x)) {
      return [
        builder.op(
          'FusedMatMul',
          [a!, b!],
          { transA: Number(transA), transB: Number(transB), alpha: real(alpha) },
          MICROSOFT,
        ),
      ];
    }
    const product = builder.op('MatMul', [
      transA ? swapLast(context, a!, x) : a!,
      transB ? swapLast(context, b!, y) : b!,
    ]);
    return [alpha === 1 ? product : builder.op('Mul', [product, builder.scalar(alpha, x.dtype)])];
  },

  linear: (context, node, names) => {
    const { inputs, outputs } = node;
    const { builder } = context;
    const { shape } = inputs[0]!;
    const joint = context.joint.result(context, node, names[0]!);
    if (joint !== undefined) return [names[2] === undefined ? joint : builder.op('Add', [joint, names[2]])];
    const stored = context.stored(inputs[1]!);
    if (stored?.readPacked === true && inputs[0]!.dtype === 'float32') return [stored.product(names[0]!, names[2])];
    const [x, weight, bias] = names;
    if (hasFusedKernels(context, inputs[0]!)) {
      // Gemm would first copy the bias into every row and then add the product to it; a sum afterwards is quicker.
      const product = builder.op('FusedMatMul', [x!, weight!], { transB: 1 }, MICROSOFT);
      return [bias === undefined ? product : builder.op('Add', [product, bias])];
    }
    const rows = shape.length === 2 ? x! : builder.op('Reshape', [x!, builder.integers([-1, shape.at(-1) as number])]);
    const product = builder.op('Gemm', bias === undefined ? [rows, weight!] : [rows, weight!, bias], { transB: 1 });
    return [shape.length === 2 ? product : builder.op('Reshape', [product, reshapeTarget(context, outputs[0]!.shape)])];
  },
};

/** A shape for Reshape: one symbolic size is left for the engine to work out, several are computed. */
export function reshapeTarget(context: Lowering, shape: Shape): string {
  const symbolic = shape.filter((dim) => typeof dim !== 'number').length;
  if (symbolic === 1 && countElements(shape) !== 0)
    return context.builder.integers(shape.map((dim) => (typeof dim === 'number' ? dim : -1)));
  return context.shape(shape);
}

function swapLast({ builder }: Lowering, name: string, tensor: Tensor): string {
  const perm = tensor.shape.map((_, i) => i);
  perm.push(perm.splice(-2, 1)[0]!);
  return builder.op('Transpose', [name], { perm });
}
