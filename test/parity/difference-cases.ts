// Operators that the fixtures do not hold, checked by central differences alone.
import { hostTensor, type HostTensor, Random } from '../../src/core/index.ts';
import * as g from '../../src/graph/index.ts';
import type { Build, Named } from './check-gradients.ts';

/** Operators of the fixtures for which ONNX Runtime 1.30 has no float64 kernel on CPU (Erf, Conv, ConvTranspose). */
export const float32Only: ReadonlySet<string> = new Set(['erf', 'gelu', 'conv2d']);

export interface DifferenceCase {
  readonly name: string;
  readonly build: Build;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  readonly dtype: 'float32' | 'float64';
}

function draw(seed: number, ...shape: number[]): HostTensor {
  const random = new Random(seed);
  const tensor = hostTensor('float64', shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = random.normal();
  return tensor;
}

function integers(...values: number[]): HostTensor {
  return hostTensor('int64', [values.length], BigInt64Array.from(values, BigInt));
}

function window(kernel: number, stride: number, padding: number, dilation = 1): g.Window2d {
  return {
    kernel: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
  };
}

const folds = [
  ['tiles', window(2, 2, 0), 4],
  ['overlaps', window(3, 1, 1), 4],
  ['strides', window(3, 2, 1), 5],
  ['a rest', window(2, 2, 0), 5],
  ['dilates', window(2, 1, 1, 2), 5],
  ['is one pixel', window(1, 1, 0), 3],
] as const;

const unfolds: DifferenceCase[] = folds.map(([name, each, size]) => ({
  name: `unfold2d where the window ${name}`,
  build: ({ x }) => g.apply('unfold2d', [x!], each),
  inputs: { x: draw(1, 1, 2, size, size) },
  dtype: 'float64',
}));

const foldings: DifferenceCase[] = folds.map(([name, each, size]) => {
  const [rows, columns] = g
    .unfold2d(g.input('x', 'float32', [1, 2, size, size]), each.kernel, {
      stride: each.strides[0],
      padding: each.pads[0],
      dilation: each.dilations[0],
    })
    .shape.slice(3) as number[];
  return {
    name: `fold2d where the window ${name}`,
    build: ({ x }) => g.apply('fold2d', [x!], { ...each, inputSize: [size, size] }),
    inputs: { x: draw(2, 1, 2, each.kernel[0] * each.kernel[1], rows!, columns!) },
    dtype: 'float64',
  };
});

export const differenceCases: readonly DifferenceCase[] = [
  ...unfolds,
  ...foldings,
  {
    name: 'cast there and back',
    build: ({ x }) => g.cast(g.mul(g.cast(x!, 'float32'), 3), 'float64'),
    inputs: { x: draw(3, 4) },
    dtype: 'float64',
  },
  {
    name: 'barrier',
    build: ({ x, y }) => g.mul(g.apply('barrier', [x!, y!], {}), y!),
    inputs: { x: draw(4, 3), y: draw(5, 3) },
    dtype: 'float64',
  },
  {
    name: 'customGradient with the gradient that is right',
    build: ({ x }) => {
      const y = g.exp(g.stopGradient(x!));
      return g.customGradient(y, [x!], (gradient, output) => [g.mul(gradient, output)]);
    },
    inputs: { x: draw(6, 5) },
    dtype: 'float64',
  },
  {
    name: 'gather from the middle by a table of indices',
    build: ({ x, indices }) => g.gather(x!, g.reshape(indices!, [2, 2]), 1),
    inputs: { x: draw(7, 2, 3, 2), indices: integers(2, 0, 2, 1) },
    dtype: 'float64',
  },
  {
    name: 'scatterAddRows with repeated rows',
    build: ({ indices, updates }) => g.scatterAddRows(g.reshape(indices!, [2, 3]), updates!, 4),
    inputs: { indices: integers(3, 0, 3, 3, 1, 0), updates: draw(8, 2, 3, 2) },
    dtype: 'float64',
  },
  {
    name: 'scatterElements on the first axis',
    build: ({ x, indices, updates }) => g.scatterElements(x!, g.reshape(indices!, [2, 2]), updates!, 0, 'add'),
    inputs: { x: draw(9, 3, 2), indices: integers(2, 1, 2, 0), updates: draw(10, 2, 2) },
    dtype: 'float64',
  },
  {
    name: 'one tensor on both sides',
    build: ({ x }) => g.matmul(g.mul(x!, x!), x!, { transA: true }),
    inputs: { x: draw(11, 3, 2) },
    dtype: 'float64',
  },
  {
    name: 'matmul with a transposed left side that is broadcast',
    build: ({ a, b }) => g.matmul(a!, b!, { transA: true, transB: true, alpha: 0.5 }),
    inputs: { a: draw(12, 1, 3, 4, 2), b: draw(13, 2, 1, 5, 4) },
    dtype: 'float64',
  },
  {
    name: 'a slice with a step that leaves a rest',
    build: ({ x }) => g.slice(x!, 1, 1, 7, 3),
    inputs: { x: draw(14, 2, 8) },
    dtype: 'float64',
  },
  ...(['float64', 'float32'] as const).map((dtype) => ({
    name: `fusedAttention of two rows and heads in ${dtype}`,
    build: ({ q, k, v }: Named) => g.fusedAttention(q!, k!, v!, 2),
    inputs: { q: draw(16, 2, 3, 4), k: draw(17, 2, 5, 4), v: draw(18, 2, 5, 4) },
    dtype,
  })),
  ...(['float64', 'float32'] as const).flatMap((dtype) =>
    [
      [5, 2],
      [2, 5, 2],
    ].map((shape) => ({
      name: `rotary with tables of ${shape.length} dimensions in ${dtype}`,
      build: ({ x }: Named) => {
        const table = (seed: number): g.Tensor => g.cast(g.constant(draw(seed, ...shape)), dtype);
        return g.rotary(x!, table(20), table(21));
      },
      inputs: { x: draw(19, 2, 3, 5, 4) },
      dtype,
    })),
  ),
  {
    name: 'slices of one tensor that leave gaps, beside the whole of it',
    build: ({ x }) => ({
      pieces: g.mul(g.slice(x!, 1, 3, 5), g.slice(x!, 1, 1, 3)),
      whole: g.mul(x!, x!),
    }),
    inputs: { x: draw(22, 2, 6, 3) },
    dtype: 'float64',
  },
  {
    name: 'slices of one tensor that overlap',
    build: ({ x }) => g.mul(g.slice(x!, 1, 0, 2), g.slice(x!, 1, 1, 3)),
    inputs: { x: draw(23, 2, 4) },
    dtype: 'float64',
  },
  {
    name: 'sums over the first, the middle and the last axes of four',
    build: ({ x }) => ({
      first: g.reduceSum(x!, [0, 1]),
      middle: g.reduceSum(x!, [1, 2]),
      last: g.reduceSum(x!, [2, 3], true),
      all: g.reduceSum(x!),
    }),
    inputs: { x: draw(15, 2, 3, 2, 4) },
    dtype: 'float32',
  },
];
