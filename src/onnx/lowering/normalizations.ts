import { type DType, hostTensor } from '../../core/index.ts';
import { type NormalizationOp, sameShape, type Tensor } from '../../graph/index.ts';
import { dataType, real } from '../builder.ts';
import { lastSize, ones, rowSums } from './reductions.ts';
import { hasFusedKernels, type Lowering, type LoweringRules } from './shared.ts';

/**
 * How far below the largest score a masked one is brought: e⁻⁵⁰ is 2·10⁻²² of the largest weight, which float32 cannot tell from
 * nothing. Far lower ones come out of the engine's exponential below 10⁻³⁸, and such numbers take AVX-512 processors ten times as
 * long, as do the products and gradients that they get into.
 */
const NEGLIGIBLE = 50;

/** Whether scores are a sum with something that is the same for several heads or rows, as masks are. */
function isMasked({ node }: Tensor): boolean {
  if (node.op !== 'add') return false;
  const [a, b] = node.inputs as readonly [Tensor, Tensor];
  return !sameShape(a.shape, b.shape);
}

export const normalizationLowering: LoweringRules<NormalizationOp> = {
  softmax: (context, { inputs }, [x]) => {
    const { builder } = context;
    if (!hasFusedKernels(context, inputs[0]!) || !isMasked(inputs[0]!))
      return [builder.op('Softmax', [x!], { axis: -1 })];
    const largest = builder.op('ReduceMax', [x!, builder.integers([-1])], { keepdims: 1 });
    const least = builder.op('Sub', [largest, builder.scalar(NEGLIGIBLE)]);
    return [builder.op('Softmax', [builder.op('Max', [x!, least])], { axis: -1 })];
  },

  // y ⊙ (g − rowsum(g ⊙ y))
  softmaxGradient: (context, { inputs }, [gradient, y]) => {
    const { builder } = context;
    const { shape, dtype } = inputs[0]!;
    const product = builder.op('Mul', [gradient!, y!]);
    const sums = rowSums(context, product, lastSize(shape), 1, dtype);
    return [builder.op('Sub', [product, builder.op('Mul', [y!, sums])])];
  },

  logSoftmax: (context, { inputs }, [x]) => [
    context.device === 'cpu'
      ? context.builder.op('LogSoftmax', [x!], { axis: -1 })
      : logSoftmax(context, x!, inputs[0]!),
  ],

  layerNorm: (context, { inputs, attributes }, [x, scale, bias]) => {
    const { builder } = context;
    const { shape, dtype } = inputs[0]!;
    const typed = (name: string): string =>
      dtype === 'float32' ? name : builder.op('Cast', [name], { to: dataType(dtype) });
    const names = [x!, scale ?? typed(ones(context, [lastSize(shape)]))];
    if (bias !== undefined) names.push(bias);
    const [y, ...statistics] = builder.ops('LayerNormalization', 3, names, {
      axis: -1,
      epsilon: real(attributes.epsilon),
    });
    // The engine gives the statistics in float32, whatever the input's type.
    return [y!, ...statistics.map(typed)];
  },

  // With s the scale, n the normalised values and r the inverse deviation of each row:
  // r ⊙ (g ⊙ s − mean(g ⊙ s) − n ⊙ mean(g ⊙ n ⊙ s)); the means are products with the vector s / D.
  layerNormGradient: (context, { inputs }, [gradient, weighted, normalized, inverseDeviation, scale]) => {
    const { builder } = context;
    const { shape, dtype } = inputs[0]!;
    const width = lastSize(shape);
    const factor = builder.scalar(1 / width, dtype);
    const means = scale && builder.op('Reshape', [builder.op('Mul', [scale, factor]), builder.integers([width, 1])]);
    const mean = (x: string): string =>
      means === undefined ? rowSums(context, x, width, 1 / width, dtype) : builder.op('MatMul', [x, means]);
    const scaled = scale === undefined ? gradient! : builder.op('Mul', [gradient!, scale]);
    const projection = mean(weighted!);
    const centered = builder.op('Sub', [scaled, mean(gradient!)]);
    const difference = builder.op('Sub', [centered, builder.op('Mul', [normalized!, projection])]);
    return [builder.op('Mul', [difference, inverseDeviation!])];
  },

  rmsNorm: (context, { inputs, attributes }, [x, scale]) => {
    const { builder } = context;
    if (hasFusedKernels(context, inputs[0]!)) {
      return [
        builder.op('SimplifiedLayerNormalization', [x!, scale!], { axis: -1, epsilon: real(attributes.epsilon) }),
      ];
    }
    const { shape, dtype } = inputs[0]!;
    const meanSquare = rowSums(context, builder.op('Mul', [x!, x!]), lastSize(shape), 1 / lastSize(shape), dtype);
    const root = builder.op('Sqrt', [builder.op('Add', [meanSquare, builder.scalar(attributes.epsilon, dtype)])]);
    return [builder.op('Mul', [builder.op('Div', [x!, root]), scale!])];
  },

  crossEntropy: (context, { inputs, attributes: { ignoreIndex } }, [logits, labels]) => {
    const { builder } = context;
    const [x] = inputs as [Tensor, Tensor];
    const classes = lastSize(x.shape);
    const rows = builder.op('Reshape', [logits!, builder.integers([-1, classes])]);
    const targets = builder.op('Reshape', [labels!, builder.integers([-1])]);
    let logProbabilities: string;
    let valid: string;
    let picked: string;
    if (context.device === 'cpu') {
      // The engine's SoftmaxCrossEntropyLoss is a composition of the same operators and two transpositions.
      logProbabilities = builder.op('LogSoftmax', [rows], { axis: -1 });
      const labels = countedLabels(context, targets, inputs[1]!.dtype, x.dtype, ignoreIndex);
      valid = labels.valid;
      const all = builder.op('GatherElements', [logProbabilities, labels.safe], { axis: 1 });
      picked = builder.op('Where', [labels.ignored, builder.scalar(0, x.dtype), all]);
    } else {
      logProbabilities = logSoftmax(context, rows, x);
      const masks = labelMasks(context, targets, classes, ignoreIndex);
      valid = masks.valid;
      picked = builder.op('Mul', [logProbabilities, masks.picked]);
    }
    const chosen = builder.op('ReduceSum', [picked], { keepdims: 0 });
    const count = builder.op('ReduceSum', [valid], { keepdims: 0 });
    const loss = builder.op('Neg', [builder.op('Div', [chosen, count])]);
    return [loss, builder.op('Reshape', [logProbabilities, context.shape(x.shape)])];
  },

  // (softmax − one-hot) · g / count on rows that count
  crossEntropyGradient: (context, { inputs, attributes: { ignoreIndex } }, [logProbabilities, labels, gradient]) => {
    const { builder, device } = context;
    const { shape, dtype } = inputs[0]!;
    const classes = lastSize(shape);
    const probabilities = builder.op('Exp', [
      builder.op('Reshape', [logProbabilities!, builder.integers([-1, classes])]),
    ]);
    const targets = builder.op('Reshape', [labels!, builder.integers([-1])]);
    let difference: string;
    let valid: string;
    if (device === 'cpu') {
      const labels = countedLabels(context, targets, inputs[1]!.dtype, dtype, ignoreIndex);
      valid = labels.valid;
      const minusOne = builder.op('Neg', [valid]);
      difference = builder.op('ScatterElements', [probabilities, labels.safe, minusOne], { axis: 1, reduction: 'add' });
    } else {
      const masks = labelMasks(context, targets, classes, ignoreIndex);
      valid = masks.valid;
      difference = builder.op('Sub', [probabilities, masks.picked]);
    }
    const count = builder.op('ReduceSum', [valid], { keepdims: 0 });
    const factor = builder.op('Mul', [valid, builder.op('Div', [gradient!, count])]);
    return [builder.op('Reshape', [builder.op('Mul', [difference, factor]), context.shape(shape)])];
  },
};

/** For labels [N], each as [N, 1]: which are ignored, 1 for each row that counts, and the labels with 0 for ignored ones. */
function countedLabels(
  { builder }: Lowering,
  targets: string,
  labelType: DType,
  dtype: DType,
  ignoreIndex: number,
): { ignored: string; valid: string; safe: string } {
  const column = builder.op('Reshape', [targets, builder.integers([-1, 1])]);
  const ignored = builder.op('Equal', [column, builder.scalar(ignoreIndex, labelType)]);
  return {
    ignored,
    valid: builder.op('Cast', [builder.op('Not', [ignored])], { to: dataType(dtype) }),
    safe: builder.op('Where', [ignored, builder.scalar(0, labelType), column]),
  };
}

/** From primitives, for WebGPU, which has no LogSoftmax. */
function logSoftmax(context: Lowering, x: string, { shape, dtype }: Tensor): string {
  const { builder } = context;
  const largest = builder.op('ReduceMax', [x, builder.integers([-1])], { keepdims: 1 });
  const shifted = builder.op('Sub', [x, largest]);
  const sums = rowSums(context, builder.op('Exp', [shifted]), lastSize(shape), 1, dtype);
  return builder.op('Sub', [shifted, builder.op('Log', [sums])]);
}

/** For labels [N]: 1 at each label in [N, classes] (nowhere in ignored rows), and 1 for each row that counts in [N, 1]. */
function labelMasks(
  { builder }: Lowering,
  targets: string,
  classes: number,
  ignoreIndex: number,
): { picked: string; valid: string } {
  const to = dataType('float32');
  const column = builder.op('Cast', [builder.op('Reshape', [targets, builder.integers([-1, 1])])], {
    to: dataType('int32'),
  });
  const positions = hostTensor(
    'int32',
    [1, classes],
    Int32Array.from({ length: classes }, (_, i) => i),
  );
  const ignored = builder.op('Equal', [column, builder.scalar(ignoreIndex, 'int32')]);
  const valid = builder.op('Sub', [builder.scalar(1), builder.op('Cast', [ignored], { to })]);
  const hit = builder.op('Cast', [builder.op('Equal', [column, builder.constant(positions)])], { to });
  return { picked: builder.op('Mul', [hit, valid]), valid };
}
