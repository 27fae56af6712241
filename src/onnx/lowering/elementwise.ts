import { GraphError } from '../../core/index.ts';
import { type ElementwiseOp, type LeafOp, staticShape } from '../../graph/index.ts';
import { dataType, real } from '../builder.ts';
import { geluGradient } from './gelu.ts';
import { randomUniform } from './random.ts';
import { hasFusedKernels, type LoweringRules, MICROSOFT, type PlainRule } from './shared.ts';

/** An operator that ONNX has under another name and with the same inputs. */
function direct(op: string): PlainRule {
  return ({ builder }, _, inputs) => [builder.op(op, inputs)];
}

/** Operators that compute nothing. */
const alias: PlainRule = (_, __, inputs) => [inputs[0]!];

const leaf: PlainRule = () => {
  throw new GraphError('a leaf was given to a lowering rule');
};

export const elementwiseLowering: LoweringRules<LeafOp | ElementwiseOp> = {
  input: leaf,
  parameter: leaf,
  constant: ({ builder }, { attributes }) => [builder.constant(attributes.value)],
  neg: direct('Neg'),
  exp: direct('Exp'),
  log: direct('Log'),
  sqrt: direct('Sqrt'),
  reciprocal: direct('Reciprocal'),
  tanh: direct('Tanh'),
  sigmoid: direct('Sigmoid'),
  erf: direct('Erf'),
  relu: direct('Relu'),
  abs: direct('Abs'),
  sin: direct('Sin'),
  cos: direct('Cos'),
  // WebGPU has no kernel for Sign.
  sign: ({ builder, device }, { outputs }, [x]) => {
    if (device === 'cpu') return [builder.op('Sign', [x!])];
    const dtype = outputs[0]!.dtype;
    const zero = builder.scalar(0, dtype);
    const positive = builder.op('Cast', [builder.op('Greater', [x!, zero])], { to: dataType(dtype) });
    const negative = builder.op('Cast', [builder.op('Less', [x!, zero])], { to: dataType(dtype) });
    return [builder.op('Sub', [positive, negative])];
  },
  silu: (context, { inputs }, [x]) =>
    hasFusedKernels(context, inputs[0]!)
      ? [context.builder.op('QuickGelu', [x!], { alpha: real(1) }, MICROSOFT)]
      : [context.builder.op('Mul', [x!, context.builder.op('Sigmoid', [x!])])],
  gelu: ({ builder }, { attributes }, inputs) => [builder.op('Gelu', inputs, { approximate: attributes.approximate })],
  geluGradient,
  not: direct('Not'),
  cast: ({ builder }, { attributes }, inputs) => [builder.op('Cast', inputs, { to: dataType(attributes.dtype) })],
  stopGradient: alias,
  customGradient: alias,
  // The first input's shape is made to depend on a number of the second, multiplied by zero as an integer.
  barrier: ({ builder }, { inputs }, [x, trigger]) => {
    const rank = inputs[1]!.rank;
    const first = builder.op('Reshape', [trigger!, builder.integers([-1])]);
    const one = rank === 0 ? first : builder.op('Slice', [first, builder.integers([0]), builder.integers([1])]);
    const zero = builder.op('Mul', [builder.op('Cast', [one], { to: dataType('int64') }), builder.integers([0])]);
    const target = builder.integers(staticShape(inputs[0]!.shape, 'rematerialisation'));
    return [builder.op('Reshape', [x!, builder.op('Add', [target, zero])])];
  },
  add: direct('Add'),
  sub: direct('Sub'),
  mul: direct('Mul'),
  div: direct('Div'),
  pow: direct('Pow'),
  minimum: direct('Min'),
  maximum: direct('Max'),
  equal: direct('Equal'),
  less: direct('Less'),
  greater: direct('Greater'),
  and: direct('And'),
  or: direct('Or'),
  where: direct('Where'),
  randomUniform,
};
