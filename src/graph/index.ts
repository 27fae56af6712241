export {
  apply,
  applyAll,
  repeatNode,
  constant,
  fromIntegers,
  fromNumbers,
  full,
  input,
  parameter,
  scalar,
} from './apply.ts';
export * from './dims.ts';
export type {
  AttentionOp,
  ConvolutionOp,
  CustomGradientRule,
  ElementwiseOp,
  LayoutOp,
  LeafOp,
  NormalizationOp,
  OpAttributes,
  OpName,
  ParameterReference,
  ProductOp,
  ReductionOp,
} from './operators.ts';
export * from './ops/attention.ts';
export * from './ops/convolutions.ts';
export * from './ops/elementwise.ts';
export * from './ops/layout.ts';
export * from './ops/products.ts';
export * from './ops/random.ts';
export * from './ops/reductions.ts';
export { type Node, reachableNodes, Tensor, type TensorType } from './tensor.ts';
export { currentPath, inBlock, inModule, type RematerialisedBlock, tap, trace, type Traced } from './trace.ts';
export type { Window2d } from './window.ts';
