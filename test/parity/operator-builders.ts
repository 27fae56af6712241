// How every operator of the fixtures is written with this library. Attributes are described in make/operators.py.
import * as g from '../../src/graph/index.ts';
import { applyRotary, attend, causalMask, paddingMask, rotaryTables } from '../../src/nn/index.ts';
import type { Named } from './check-gradients.ts';

type Inputs = Record<string, g.Tensor>;
// oxlint-disable-next-line typescript/no-explicit-any -- attributes differ from operator to operator
type Builder = (inputs: Inputs, attrs: any) => g.Tensor | Named;

const unary =
  (f: (x: g.Tensor) => g.Tensor): Builder =>
  ({ x }) =>
    f(x!);
const binary =
  (f: (a: g.Tensor, b: g.Tensor) => g.Tensor): Builder =>
  ({ a, b }) =>
    f(a!, b!);

/** Consecutive parts of an axis, named a, b, c. */
function pieces(x: g.Tensor, axis: number, sizes: readonly number[]): Named {
  let start = 0;
  return Object.fromEntries(sizes.map((size, i) => ['abc'[i]!, g.slice(x, axis, start, (start += size))]));
}

function repeatHeads(x: g.Tensor, times: number): g.Tensor {
  const [batch, heads, length, width] = x.shape as number[];
  const wide = g.expand(g.reshape(x, [batch!, heads!, 1, length!, width!]), [batch!, heads!, times, length!, width!]);
  return g.reshape(wide, [batch!, heads! * times, length!, width!]);
}

export const builders: Readonly<Record<string, Builder>> = {
  add: binary(g.add),
  sub: binary(g.sub),
  mul: binary(g.mul),
  div: binary(g.div),
  pow: ({ a, b }, { exponent }) => g.pow(a!, b ?? exponent),
  minimum: binary(g.minimum),
  maximum: binary(g.maximum),
  neg: unary(g.neg),
  exp: unary(g.exp),
  log: unary(g.log),
  sqrt: unary(g.sqrt),
  reciprocal: unary(g.reciprocal),
  tanh: unary(g.tanh),
  sigmoid: unary(g.sigmoid),
  erf: unary(g.erf),
  silu: unary(g.silu),
  sin: unary(g.sin),
  cos: unary(g.cos),
  relu: unary(g.relu),
  abs: unary(g.abs),
  log_sigmoid: unary(g.logSigmoid),
  gelu: ({ x }, { approximate }) => g.gelu(x!, approximate),
  where: ({ condition, a, b }) => g.where(condition!, a!, b!),
  matmul: ({ a, b }, attrs) => g.matmul(a!, b!, attrs),
  linear: ({ x, weight, bias }) => g.linear(x!, weight!, bias),
  transpose: ({ x }, { permutation }) => g.transpose(x!, permutation),
  reshape: ({ x }, { shape }) => g.reshape(x!, shape),
  // Negative bounds count from the end in the fixtures; here they are worked out while tracing.
  slice: ({ x }, { axis, start, end, step }) => {
    const size = x!.shape.at(axis) as number;
    return g.slice(x!, axis, start < 0 ? start + size : start, end < 0 ? end + size : end, step);
  },
  concat: (inputs, { axis, order }) =>
    g.concat(
      ((order ?? Object.keys(inputs)) as string[]).map((name) => inputs[name]!),
      axis,
    ),
  split: ({ x }, { axis, sizes }) => pieces(x!, axis, sizes),
  chunk: ({ x }, { axis, parts }) => Object.fromEntries(g.chunk(x!, axis, parts).map((part, i) => ['abc'[i]!, part])),
  pad: ({ x }, { before, after, value }) => g.pad(x!, before, after, value),
  expand: ({ x }, { shape }) => g.expand(x!, shape),
  gather: ({ weight, indices }, { axis }) => g.gather(weight!, indices!, axis),
  scatter_elements: ({ x, indices, updates }, { axis, reduction }) =>
    g.scatterElements(x!, indices!, updates!, axis, reduction),
  scatter_add_rows: ({ indices, updates }, { rows }) => g.scatterAddRows(indices!, updates!, rows),
  reduce_sum: ({ x }, { axes, keepDims }) => g.reduceSum(x!, axes, keepDims),
  reduce_mean: ({ x }, { axes, keepDims }) => g.reduceMean(x!, axes, keepDims),
  reduce_max: ({ x }, { axes, keepDims }) => g.reduceMax(x!, axes, keepDims),
  softmax: unary(g.softmax),
  log_softmax: unary(g.logSoftmax),
  layer_norm: ({ x, scale, bias }, { epsilon }) => g.layerNorm(x!, scale, bias, epsilon),
  rms_norm: ({ x, scale }, { epsilon }) => g.rmsNorm(x!, scale!, epsilon),
  group_norm: ({ x, weight, bias }, { groups, epsilon }) => {
    const [batch, channels] = x!.shape as number[];
    const rows = g.layerNorm(g.reshape(x!, [batch! * groups, -1]), undefined, undefined, epsilon);
    const each = (vector: g.Tensor): g.Tensor => g.reshape(vector, [1, channels!, 1, 1]);
    return g.add(g.mul(g.reshape(rows, x!.shape), each(weight!)), each(bias!));
  },
  l2_normalize: ({ x }, { epsilon }) => g.l2Normalize(x!, epsilon),
  cross_entropy: ({ logits, labels }, { ignoreIndex }) => ({ loss: g.crossEntropy(logits!, labels!, ignoreIndex) }),
  // −log σ(x) where the target is 1, −log σ(−x) where it is 0
  binary_cross_entropy_with_logits: ({ logits, targets }) => ({
    loss: g.neg(g.reduceMean(g.logSigmoid(g.mul(logits!, g.sub(g.mul(targets!, 2), 1))))),
  }),
  mse: ({ a, b }) => {
    const difference = g.sub(a!, b!);
    return { loss: g.reduceMean(g.mul(difference, difference)) };
  },
  conv2d: ({ x, weight, bias }, { strides, padding, dilations, groups }) => {
    const [, , height, width] = weight!.shape as number[];
    return g.apply('conv2d', bias === undefined ? [x!, weight!] : [x!, weight!, bias], {
      kernel: [height!, width!],
      strides,
      pads: [padding[0], padding[1], padding[0], padding[1]],
      dilations,
      groups,
    });
  },
  max_pool2d: ({ x }, { kernel, stride }) => g.maxPool2d(x!, kernel, stride),
  avg_pool2d: ({ x }, { kernel, stride, padding }) => g.avgPool2d(x!, kernel, stride, padding),
  attention: ({ query, key, value, keep }, { causal, heads, keyValueHeads }) => {
    const times = heads / keyValueHeads;
    const mask = causal ? causalMask(query!.shape[2] as number) : keep === undefined ? undefined : paddingMask(keep);
    return attend(
      query!,
      times === 1 ? key! : repeatHeads(key!, times),
      times === 1 ? value! : repeatHeads(value!, times),
      mask && g.cast(mask, query!.dtype),
    );
  },
  rope: ({ x }, { base }) => {
    const { cosines, sines } = rotaryTables(x!.shape[2] as number, x!.shape[3] as number, base);
    return applyRotary(x!, { cosines: g.cast(cosines, x!.dtype), sines: g.cast(sines, x!.dtype) });
  },
};

/** Whether this library has what a case asks for. */
export function isOffered(
  op: string,
  attrs: { readonly padding?: number; readonly countIncludePad?: boolean },
): boolean {
  // Means that leave the padding out are not offered.
  return !(op === 'avg_pool2d' && attrs.padding !== 0 && attrs.countIncludePad === false);
}
