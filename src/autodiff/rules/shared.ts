import { GraphError } from '../../core/index.ts';
import type { Node, OpName, Tensor } from '../../graph/index.ts';

/**
 * From the gradients of a node's outputs (undefined where nothing depends on an output) to those of its inputs
 * (undefined where no gradient flows), written in the same operators as the forward pass.
 */
export type GradientRule<K extends OpName = OpName> = (
  node: Node<K>,
  gradients: readonly (Tensor | undefined)[],
) => readonly (Tensor | undefined)[];

/** A table for some of the operators. */
export type GradientRules<K extends OpName> = { readonly [Op in K]: GradientRule<Op> };

/** The rule of leaves and of operators whose result is piecewise constant. */
export function noGradient(): readonly undefined[] {
  return [];
}

/** The rule of an operator that only occurs inside backward passes. */
export function notDifferentiable(node: Node): never {
  throw new GraphError(
    `${node.op} has no gradient of its own`,
    'second derivatives through this operator are not supported',
  );
}
