import type { Dim, Node, OpName, Shape, Tensor } from '../../graph/index.ts';
import type { OnnxBuilder } from '../builder.ts';
import type { LoweringDevice } from '../lower.ts';
import type { JointProducts } from './joint-products.ts';
import type { StoredWeight } from './stored-weight.ts';

/** What a rule may use while it writes nodes. */
export interface Lowering {
  readonly builder: OnnxBuilder;
  readonly device: LoweringDevice;
  /** Name of a 1-D int64 value that holds a shape, computed in the graph where sizes are symbolic. */
  shape(shape: Shape): string;
  /** Name of a 1-D int64 value with one size. */
  size(dim: Dim): string;
  /** The weight as its file holds it, where that is not as the graph takes it; undefined for every other tensor. */
  stored(tensor: Tensor): StoredWeight | undefined;
  /** Products that are computed together. */
  readonly joint: JointProducts;
}

/**
 * Writes the ONNX nodes for one node and gives the names of its outputs. A weight that its file holds otherwise is converted
 * when its name is read from `inputs`, so a rule that reads it as it is stored leaves that name alone.
 */
export type LoweringRule<K extends OpName = OpName> = (
  context: Lowering,
  node: Node<K>,
  inputs: readonly string[],
) => readonly string[];

/** A rule that does not look at the node. */
export type PlainRule = (context: Lowering, node: unknown, inputs: readonly string[]) => readonly string[];

export type LoweringRules<K extends OpName> = { readonly [Op in K]: LoweringRule<Op> };

/** Whether the kernels that exist only for float32 on the native engine may be used. */
export function hasFusedKernels(context: Lowering, tensor: Tensor): boolean {
  return context.device === 'cpu' && tensor.dtype === 'float32';
}

export const MICROSOFT = 'com.microsoft';
