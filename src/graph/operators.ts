import { type DType, type HostTensor, isFloating } from '../core/index.ts';
import { addDims, broadcastShapes, countElements, type Dim, sameShape, type Shape, subtractDims } from './dims.ts';
import type { Tensor, TensorType } from './tensor.ts';
import { conv2dSize, type Window2d } from './window.ts';

/** A weight that a graph refers to. Its name is its path in the module tree, which is its key in a checkpoint. */
export interface ParameterReference {
  name: string;
}

/** Gives the gradients of a custom function's inputs from the gradient of its output; `undefined` stands for zero. */
export type CustomGradientRule = (gradient: Tensor, output: Tensor) => readonly (Tensor | undefined)[];

type None = Readonly<Record<never, never>>;

interface LeafAttributes {
  input: { readonly name: string };
  parameter: { readonly reference: ParameterReference };
  constant: { readonly value: HostTensor };
  randomUniform: { readonly shape: Shape; readonly site: number };
}

interface UnaryAttributes {
  neg: None;
  exp: None;
  log: None;
  sqrt: None;
  reciprocal: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  relu: None;
  abs: None;
  sign: None;
  sin: None;
  cos: None;
  silu: None;
}

/** With broadcasting. */
interface BinaryAttributes {
  add: None;
  sub: None;
  mul: None;
  div: None;
  pow: None;
  minimum: None;
  maximum: None;
  equal: None;
  less: None;
  greater: None;
  and: None;
  or: None;
}

interface ElementwiseAttributes extends UnaryAttributes, BinaryAttributes {
  gelu: { readonly approximate: 'none' | 'tanh' };
  geluGradient: { readonly approximate: 'none' | 'tanh' };
  not: None;
  cast: { readonly dtype: DType };
  stopGradient: None;
  /** The first input, which must not be computed before the second one has been. */
  barrier: None;
  customGradient: { readonly rule: CustomGradientRule };
  where: None;
}

interface ProductAttributes {
  matmul: { readonly transA: boolean; readonly transB: boolean; readonly alpha: number };
  linear: None;
}

interface LayoutAttributes {
  reshape: { readonly shape: Shape };
  transpose: { readonly permutation: readonly number[] };
  expand: { readonly shape: Shape };
  slice: { readonly axis: number; readonly start: number; readonly end: Dim; readonly step: number };
  concat: { readonly axis: number };
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number };
  gather: { readonly axis: number };
  scatterAddRows: { readonly rows: number };
  scatterElements: { readonly axis: number; readonly reduction: 'none' | 'add' };
}

interface ReductionAttributes {
  reduceSum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  reduceMax: { readonly axes: readonly number[]; readonly keepDims: boolean };
  argmax: { readonly axis: number };
}

interface NormalizationAttributes {
  softmax: None;
  softmaxGradient: None;
  logSoftmax: None;
  layerNorm: { readonly epsilon: number };
  layerNormGradient: None;
  rmsNorm: { readonly epsilon: number };
  crossEntropy: { readonly ignoreIndex: number };
  crossEntropyGradient: { readonly ignoreIndex: number };
}

interface AttentionAttributes {
  rotary: None;
  fusedAttention: { readonly heads: number };
  cachedAttention: {
    readonly heads: number;
    readonly keyValueHeads: number;
    readonly scale: number;
    /** Tokens that a token sees, itself included; all earlier ones when absent. */
    readonly window?: number | undefined;
  };
}

interface ConvolutionAttributes {
  conv2d: Window2d & { readonly groups: number };
  conv2dInputGradient: Window2d & { readonly groups: number; readonly inputSize: readonly [number, number] };
  unfold2d: Window2d;
  fold2d: Window2d & { readonly inputSize: readonly [number, number] };
}

/** Every operator with its attributes. Adding one here makes the compiler ask for its shape rule, gradient and lowering. */
export interface OpAttributes
  extends
    LeafAttributes,
    ElementwiseAttributes,
    ProductAttributes,
    LayoutAttributes,
    ReductionAttributes,
    NormalizationAttributes,
    AttentionAttributes,
    ConvolutionAttributes {}

export type OpName = keyof OpAttributes;

// Families of operators, which the tables of gradients and of lowerings are cut by.
export type LeafOp = keyof LeafAttributes;
export type UnaryOp = keyof UnaryAttributes;
export type BinaryOp = keyof BinaryAttributes;
export type ElementwiseOp = keyof ElementwiseAttributes;
export type ProductOp = keyof ProductAttributes;
export type LayoutOp = keyof LayoutAttributes;
export type ReductionOp = keyof ReductionAttributes;
export type NormalizationOp = keyof NormalizationAttributes;
export type AttentionOp = keyof AttentionAttributes;
export type ConvolutionOp = keyof ConvolutionAttributes;

/** Gives the types of an operator's outputs, or a text that says why the inputs do not fit. */
type InputRule = (inputs: readonly Tensor[]) => TensorType[] | string;
type ShapeRule<K extends OpName> = (inputs: readonly Tensor[], attributes: OpAttributes[K]) => TensorType[] | string;

const same: InputRule = ([x]) => [{ dtype: x!.dtype, shape: x!.shape }];

const floating: InputRule = ([x]) =>
  isFloating(x!.dtype) ? [{ dtype: x!.dtype, shape: x!.shape }] : `needs floating-point numbers, got ${x!.dtype}`;

function broadcast(result?: DType): InputRule {
  return ([a, b]) => {
    if (a!.dtype !== b!.dtype) return `types ${a!.dtype} and ${b!.dtype} differ; use cast`;
    const shape = broadcastShapes(a!.shape, b!.shape);
    return shape === undefined ? 'shapes do not broadcast' : [{ dtype: result ?? a!.dtype, shape }];
  };
}

function reduce(inputs: readonly Tensor[], axes: readonly number[], keepDims: boolean): TensorType[] {
  const { dtype, shape } = inputs[0]!;
  const kept: Dim[] = [];
  shape.forEach((dim, axis) => {
    if (!axes.includes(axis)) kept.push(dim);
    else if (keepDims) kept.push(1);
  });
  return [{ dtype, shape: kept }];
}

/** The shape rule of every operator. Rules see inputs that were checked for number and are never called for leaves. */
export const shapeRules: { readonly [K in OpName]: ShapeRule<K> } = {
  input: () => 'is a leaf',
  parameter: () => 'is a leaf',
  constant: () => 'is a leaf',
  neg: same,
  exp: floating,
  log: floating,
  sqrt: floating,
  reciprocal: floating,
  tanh: floating,
  sigmoid: floating,
  erf: floating,
  relu: floating,
  abs: same,
  sign: same,
  sin: floating,
  cos: floating,
  silu: floating,
  gelu: floating,
  not: ([x]) => (x!.dtype === 'bool' ? [{ dtype: 'bool', shape: x!.shape }] : `needs bool, got ${x!.dtype}`),
  cast: ([x], { dtype }) => [{ dtype, shape: x!.shape }],
  stopGradient: same,
  barrier: same,
  customGradient: same,
  add: broadcast(),
  sub: broadcast(),
  mul: broadcast(),
  div: broadcast(),
  pow: broadcast(),
  minimum: broadcast(),
  maximum: broadcast(),
  equal: broadcast('bool'),
  less: broadcast('bool'),
  greater: broadcast('bool'),
  and: broadcast('bool'),
  or: broadcast('bool'),
  where: ([condition, a, b]) => {
    if (condition!.dtype !== 'bool') return `the condition must be bool, got ${condition!.dtype}`;
    if (a!.dtype !== b!.dtype) return `types ${a!.dtype} and ${b!.dtype} differ; use cast`;
    const values = broadcastShapes(a!.shape, b!.shape);
    const shape = values && broadcastShapes(condition!.shape, values);
    return shape === undefined ? 'shapes do not broadcast' : [{ dtype: a!.dtype, shape }];
  },
  matmul: ([a, b], { transA, transB }) => {
    if (a!.dtype !== b!.dtype) return `types ${a!.dtype} and ${b!.dtype} differ; use cast`;
    if (a!.rank < 2 || b!.rank < 2) return 'both sides need at least two dimensions';
    const [rows, inner] = lastTwo(a!.shape, transA);
    const [innerB, columns] = lastTwo(b!.shape, transB);
    if (inner !== innerB) return `inner sizes ${inner} and ${innerB} differ`;
    const batch = broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return batch === undefined
      ? 'batch dimensions do not broadcast'
      : [{ dtype: a!.dtype, shape: [...batch, rows, columns] }];
  },
  linear: ([x, weight, bias]) => {
    if (weight!.rank !== 2) return 'the weight must be [out, in]';
    if (x!.dtype !== weight!.dtype) return `types ${x!.dtype} and ${weight!.dtype} differ; use cast`;
    if (x!.shape.at(-1) !== weight!.shape[1])
      return `the input has ${x!.shape.at(-1)} features, the weight takes ${weight!.shape[1]}`;
    if (bias !== undefined && !sameShape(bias.shape, [weight!.shape[0]!]))
      return `the bias must be [${weight!.shape[0]}]`;
    return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, -1), weight!.shape[0]!] }];
  },
  reshape: ([x], { shape }) =>
    countElements(shape) === countElements(x!.shape)
      ? [{ dtype: x!.dtype, shape }]
      : `${countElements(x!.shape)} elements do not fill [${shape.join(', ')}]`,
  transpose: ([x], { permutation }) =>
    permutation.length === x!.rank && [...permutation].sort((a, b) => a - b).every((axis, i) => axis === i)
      ? [{ dtype: x!.dtype, shape: permutation.map((axis) => x!.shape[axis]!) }]
      : `[${permutation.join(', ')}] is not an order of ${x!.rank} dimensions`,
  expand: ([x], { shape }) => {
    const result = broadcastShapes(x!.shape, shape);
    return result !== undefined && sameShape(result, shape)
      ? [{ dtype: x!.dtype, shape }]
      : `cannot be broadcast to [${shape.join(', ')}]`;
  },
  slice: ([x], { axis, start, end, step }) => {
    const dim = x!.shape[axis];
    if (dim === undefined) return `has no axis ${axis}`;
    if (!Number.isInteger(step) || step < 1) return `a step of ${step}: it must be a whole number of at least 1`;
    if (typeof dim === 'number' && typeof end === 'number') {
      if (start < 0 || end > dim || start > end) return `range ${start}:${end} is outside 0:${dim}`;
      return [{ dtype: x!.dtype, shape: replace(x!.shape, axis, Math.ceil((end - start) / step)) }];
    }
    if (step !== 1) return 'a step needs sizes that are known while tracing';
    return [{ dtype: x!.dtype, shape: replace(x!.shape, axis, subtractDims(end, start)) }];
  },
  concat: (inputs, { axis }) => {
    const first = inputs[0]!;
    let size: Dim = 0;
    for (const input of inputs) {
      if (input.dtype !== first.dtype) return `types ${first.dtype} and ${input.dtype} differ; use cast`;
      if (input.rank !== first.rank || input.shape.some((dim, i) => i !== axis && dim !== first.shape[i])) {
        return `shapes differ outside of axis ${axis}`;
      }
      size = addDims(size, input.shape[axis]!);
    }
    return [{ dtype: first.dtype, shape: replace(first.shape, axis, size) }];
  },
  pad: ([x], { before, after }) => {
    if (before.length !== x!.rank || after.length !== x!.rank)
      return 'needs an amount before and after for every dimension';
    if ([...before, ...after].some((amount) => amount < 0)) return 'amounts must not be negative; use slice';
    return [{ dtype: x!.dtype, shape: x!.shape.map((dim, i) => addDims(dim, before[i]! + after[i]!)) }];
  },
  gather: ([x, indices], { axis }) =>
    isIndex(indices!)
      ? [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)] }]
      : `indices must be int64 or int32, got ${indices!.dtype}`,
  scatterAddRows: ([indices, updates], { rows }) => {
    if (!isIndex(indices!)) return `indices must be int64 or int32, got ${indices!.dtype}`;
    if (!sameShape(indices!.shape, updates!.shape.slice(0, -1)))
      return 'updates need the shape of the indices and one more dimension';
    return [{ dtype: updates!.dtype, shape: [rows, updates!.shape.at(-1)!] }];
  },
  scatterElements: ([data, indices, updates]) =>
    isIndex(indices!) && sameShape(indices!.shape, updates!.shape)
      ? [{ dtype: data!.dtype, shape: data!.shape }]
      : 'indices (int64 or int32) and updates must have one shape',
  reduceSum: (inputs, { axes, keepDims }) => reduce(inputs, axes, keepDims),
  reduceMax: (inputs, { axes, keepDims }) => reduce(inputs, axes, keepDims),
  argmax: ([x], { axis }) => [{ dtype: 'int64', shape: x!.shape.filter((_, i) => i !== axis) }],
  softmax: floating,
  // Inputs: the gradient of the output, the output.
  softmaxGradient: floating,
  logSoftmax: floating,
  layerNorm: ([x, scale, bias]) => {
    const width = x!.shape.at(-1)!;
    for (const [name, vector] of [
      ['scale', scale],
      ['bias', bias],
    ] as const) {
      if (vector !== undefined && !sameShape(vector.shape, [width])) return `the ${name} must be [${width}]`;
    }
    const statistic: TensorType = { dtype: x!.dtype, shape: [...x!.shape.slice(0, -1), 1] };
    return [{ dtype: x!.dtype, shape: x!.shape }, statistic, statistic];
  },
  // Inputs: the gradient of the normalised values, the normalised values, the inverse deviation.
  layerNormGradient: ([gradient]) => [{ dtype: gradient!.dtype, shape: gradient!.shape }],
  rmsNorm: ([x, scale]) =>
    sameShape(scale!.shape, [x!.shape.at(-1)!])
      ? [{ dtype: x!.dtype, shape: x!.shape }]
      : `the scale must be [${x!.shape.at(-1)}]`,
  // Inputs: the gradient of the output, the input.
  geluGradient: floating,
  crossEntropy: ([logits, labels]) => {
    if (!isIndex(labels!)) return `labels must be int64 or int32, got ${labels!.dtype}`;
    if (!sameShape(labels!.shape, logits!.shape.slice(0, -1)))
      return 'labels need the shape of the logits without their last dimension';
    return [
      { dtype: logits!.dtype, shape: [] },
      { dtype: logits!.dtype, shape: logits!.shape },
    ];
  },
  // Inputs: log-probabilities, labels, the gradient of the mean loss (scalar).
  crossEntropyGradient: ([logProbabilities]) => [{ dtype: logProbabilities!.dtype, shape: logProbabilities!.shape }],
  rotary: ([x, ...tables]) => {
    const half = [x!.shape[2]!, (x!.shape[3] as number) / 2];
    const fits = tables.every(({ shape }) => sameShape(shape, half) || sameShape(shape, [x!.shape[0]!, ...half]));
    return fits ? same([x!]) : `cosines and sines must be [${half.join(', ')}], or such for each row`;
  },
  fusedAttention: ([query, key, value], { heads }) => {
    const [batch, , width] = query!.shape;
    if (query!.rank !== 3 || typeof width !== 'number' || width % heads !== 0)
      return `the query must be [B, T, ${heads} × K]`;
    return sameShape(key!.shape, [batch!, key!.shape[1]!, width]) && sameShape(value!.shape, key!.shape)
      ? [{ dtype: query!.dtype, shape: query!.shape }]
      : `keys and values must be [${batch}, S, ${width}]`;
  },
  // Inputs: query, key, value, past key, past value, index of each row's last token, greatest length, and cosines and sines.
  cachedAttention: ([query, key, value, pastKey, pastValue], { heads, keyValueHeads }) => {
    const width = query!.shape.at(-1);
    if (query!.rank !== 3 || typeof width !== 'number' || width % heads !== 0)
      return `the query must be [B, T, ${heads} × K]`;
    const narrow = [...query!.shape.slice(0, -1), (width / heads) * keyValueHeads];
    if (!sameShape(key!.shape, narrow) || !sameShape(value!.shape, narrow))
      return `keys and values must be [${narrow.join(', ')}]`;
    const past = [query!.shape[0]!, keyValueHeads, pastKey!.shape[2]!, width / heads];
    if (!sameShape(pastKey!.shape, past) || !sameShape(pastValue!.shape, past))
      return `past keys and values must be [${past.join(', ')}]`;
    const { dtype } = query!;
    return [
      { dtype, shape: query!.shape },
      { dtype, shape: past },
      { dtype, shape: past },
    ];
  },
  conv2d: ([x, weight, bias], attributes) => {
    if (x!.rank !== 4 || weight!.rank !== 4) return 'needs [B, C, H, W] and a weight [out, C / groups, kernel, kernel]';
    const channels = weight!.shape[1];
    if (typeof channels !== 'number' || x!.shape[1] !== channels * attributes.groups)
      return `the input has ${x!.shape[1]} channels, the weight takes ${channels} × ${attributes.groups} groups`;
    const outputs = weight!.shape[0]!;
    if (typeof outputs !== 'number' || outputs % attributes.groups !== 0)
      return `${outputs} outputs cannot be cut into ${attributes.groups} groups`;
    if (bias !== undefined && !sameShape(bias.shape, [outputs])) return `the bias must be [${outputs}]`;
    const size = conv2dSize(x!.shape, attributes);
    return typeof size === 'string' ? size : [{ dtype: x!.dtype, shape: [x!.shape[0]!, outputs, ...size] }];
  },
  conv2dInputGradient: ([gradient, weight], { groups, inputSize }) => [
    { dtype: gradient!.dtype, shape: [gradient!.shape[0]!, (weight!.shape[1] as number) * groups, ...inputSize] },
  ],
  unfold2d: ([x], attributes) => {
    if (x!.rank !== 4) return 'needs [B, C, H, W]';
    const size = conv2dSize(x!.shape, attributes);
    if (typeof size === 'string') return size;
    const taps = attributes.kernel[0] * attributes.kernel[1];
    return [{ dtype: x!.dtype, shape: [x!.shape[0]!, x!.shape[1]!, taps, ...size] }];
  },
  fold2d: ([x], { inputSize }) => [{ dtype: x!.dtype, shape: [x!.shape[0]!, x!.shape[1]!, ...inputSize] }],
  randomUniform: (_, { shape }) => [{ dtype: 'float32', shape }],
};

function lastTwo(shape: Shape, transposed: boolean): [Dim, Dim] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}

function replace(shape: Shape, axis: number, dim: Dim): Dim[] {
  return shape.map((old, i) => (i === axis ? dim : old));
}

function isIndex(tensor: TensorType): boolean {
  return tensor.dtype === 'int64' || tensor.dtype === 'int32';
}
