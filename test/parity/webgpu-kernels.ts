// ONNX operators that graphs are lowered to, each alone in a model, to see whether WebGPU has a kernel for it.
import type { DType } from '../../src/core/index.ts';
import { type AttributeValue, OnnxBuilder } from '../../src/onnx/builder.ts';
import type { ProgramSource, TensorSpec } from '../../src/runtime/types.ts';

type Input = readonly [dtype: DType, ...shape: number[]];

export interface Kernel {
  /** Operator and element type. */
  readonly name: string;
  readonly source: ProgramSource;
}

function kernel(
  name: string,
  inputs: readonly Input[],
  output: readonly [dtype: DType, rank: number],
  options: {
    attributes?: Record<string, AttributeValue>;
    domain?: string;
    outputs?: number;
    constants?: readonly (readonly number[])[];
  } = {},
): Kernel {
  const builder = new OnnxBuilder();
  const specs: TensorSpec[] = inputs.map(([dtype, ...shape], i) => ({ name: `in${i}`, dtype, shape }));
  for (const { name: input, dtype, shape } of specs) builder.input(input, dtype, shape);
  const all = [
    ...specs.map((spec) => spec.name),
    ...(options.constants ?? []).map((values) => builder.integers(values)),
  ];
  const [first] = builder.ops(name.split(' ')[0]!, options.outputs ?? 1, all, options.attributes, options.domain);
  const result = { name: 'out', dtype: output[0], shape: Array.from({ length: output[1] }, (_, i) => `d${i}`) };
  builder.output(result.name, first!, result.dtype, result.shape);
  return { name, source: { bytes: builder.finish('kernel'), inputs: specs, outputs: [result] } };
}

const MICROSOFT = 'com.microsoft';
const x: Input = ['float32', 2, 3];
const picture: Input = ['float32', 1, 2, 4, 4];
const float = ['float32', 2] as const;

const unary = [
  'Neg',
  'Exp',
  'Log',
  'Sqrt',
  'Reciprocal',
  'Tanh',
  'Sigmoid',
  'Erf',
  'Relu',
  'Abs',
  'Sign',
  'Sin',
  'Cos',
  'Gelu',
  'Softmax',
  'LogSoftmax',
  'Identity',
];
const binary = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max'];
const comparisons = ['Equal', 'Less', 'Greater'];
const types: readonly DType[] = ['float32', 'int32', 'int64', 'bool'];

const casts: Kernel[] = types.flatMap((from) =>
  types
    .filter((to) => to !== from)
    .map((to) =>
      kernel(`Cast from ${from} to ${to}`, [[from, 2, 3]], [to, 2], {
        attributes: { to: { float32: 1, int32: 6, int64: 7, bool: 9 }[to as 'int32'] },
      }),
    ),
);

export const kernels: readonly Kernel[] = [
  ...unary.map((op) => kernel(op, [x], float)),
  kernel('QuickGelu', [x], float, { domain: MICROSOFT, attributes: { alpha: { real: 1 } } }),
  ...binary.map((op) => kernel(op, [x, x], float)),
  ...['Add', 'Mul', 'Div'].map((op) =>
    kernel(
      `${op} of int32`,
      [
        ['int32', 2, 3],
        ['int32', 2, 3],
      ],
      ['int32', 2],
    ),
  ),
  ...comparisons.map((op) => kernel(op, [x, x], ['bool', 2])),
  ...comparisons.flatMap((op) =>
    (['int32', 'int64'] as const).map((t) =>
      kernel(
        `${op} of ${t}`,
        [
          [t, 2, 3],
          [t, 2, 3],
        ],
        ['bool', 2],
      ),
    ),
  ),
  kernel('Not', [['bool', 2, 3]], ['bool', 2]),
  kernel(
    'And',
    [
      ['bool', 2, 3],
      ['bool', 2, 3],
    ],
    ['bool', 2],
  ),
  kernel(
    'Or',
    [
      ['bool', 2, 3],
      ['bool', 2, 3],
    ],
    ['bool', 2],
  ),
  kernel('Where', [['bool', 2, 3], x, x], float),
  ...casts,
  kernel('MatMul', [x, ['float32', 3, 2]], float),
  kernel('Gemm', [x, ['float32', 3, 2]], float),
  kernel('FusedMatMul', [x, ['float32', 3, 2]], float, { domain: MICROSOFT }),
  kernel('Reshape', [x], ['float32', 1], { constants: [[6]] }),
  kernel('Transpose', [x], float, { attributes: { perm: [1, 0] } }),
  kernel('Expand', [x], ['float32', 3], { constants: [[2, 2, 3]] }),
  kernel('Slice', [x], float, { constants: [[0], [1], [0], [1]] }),
  kernel('Concat', [x, x], float, { attributes: { axis: 0 } }),
  kernel('Unsqueeze', [x], ['float32', 3], { constants: [[0]] }),
  kernel('Pad', [x], float, { constants: [[0, 1, 0, 1]] }),
  kernel('Gather by int64', [x, ['int64', 2]], float),
  kernel('Gather by int32', [x, ['int32', 2]], float),
  kernel('ScatterElements', [x, ['int64', 1, 3], ['float32', 1, 3]], float, { attributes: { axis: 0 } }),
  kernel('ScatterElements with addition', [x, ['int64', 1, 3], ['float32', 1, 3]], float, {
    attributes: { axis: 0, reduction: 'add' },
  }),
  kernel('ReduceSum', [x], float, { constants: [[1]] }),
  kernel('ReduceMax', [x], float, { constants: [[1]] }),
  kernel('ArgMax', [x], ['int64', 2], { attributes: { axis: 1 } }),
  kernel('LayerNormalization', [x, ['float32', 3]], float, { outputs: 3 }),
  kernel('SimplifiedLayerNormalization', [x, ['float32', 3]], float),
  kernel('SoftmaxCrossEntropyLoss', [x, ['int64', 2]], ['float32', 0], { outputs: 2 }),
  kernel('Conv', [picture, ['float32', 2, 2, 3, 3]], ['float32', 4]),
  kernel('ConvTranspose', [picture, ['float32', 2, 2, 3, 3]], ['float32', 4]),
  kernel('Range of int32', [['int32'], ['int32'], ['int32']], ['int32', 1]),
];
