import { GraphError } from '../core/index.ts';
import { add, full, type Node, reachableNodes, scalar, staticShape, type Tensor } from '../graph/index.ts';
import { Recomputation } from './rematerialise.ts';
import { gradientRules } from './rules.ts';
import type { GradientRule } from './rules/shared.ts';

/**
 * Reverse-mode differentiation: adds the backward pass to the graph.
 * @param output the scalar that is differentiated, or any tensor when `seed` is given
 * @param wrt parameters, inputs or intermediate tensors
 * @param seed gradient of `output`, of its shape; 1 by default
 * @returns one gradient for each of `wrt`, of its shape; zeros where `output` does not depend on it
 */
export function gradients(output: Tensor, wrt: readonly Tensor[], seed?: Tensor): Tensor[] {
  if (seed === undefined && output.rank !== 0) {
    throw new GraphError(`a gradient needs a scalar, got a tensor of shape [${output.shape.join(', ')}]`, 'sum it, or give a seed');
  }
  const nodes = reachableNodes([output]);
  const dependent = nodesDependingOn(nodes, wrt);
  const gradientOf = new Map<Tensor, Tensor>([[output, seed ?? scalar(1, output.dtype)]]);
  const recomputation = new Recomputation(nodes);

  for (const node of nodes.reverse()) {
    if (!dependent.has(node)) continue;
    const outputGradients = node.outputs.map((tensor) => gradientOf.get(tensor));
    const trigger = outputGradients.find((gradient) => gradient !== undefined);
    if (trigger === undefined) continue;
    const rule = gradientRules[node.op] as GradientRule;
    const inputGradients = rule(recomputation.of(node, trigger), outputGradients);
    node.inputs.forEach((input, i) => {
      const gradient = inputGradients[i];
      if (gradient === undefined || !(dependent.has(input.node) || wrt.includes(input))) return;
      const sum = gradientOf.get(input);
      gradientOf.set(input, sum === undefined ? gradient : add(sum, gradient));
    });
  }
  return wrt.map((tensor) => gradientOf.get(tensor) ?? full(staticShape(tensor.shape, 'a gradient of zero'), 0, tensor.dtype));
}

/** Nodes that have one of `wrt` among their outputs or anywhere above, without passing through a stopped gradient. */
function nodesDependingOn(nodes: readonly Node[], wrt: readonly Tensor[]): Set<Node> {
  const dependent = new Set<Node>(wrt.map((tensor) => tensor.node));
  for (const node of nodes) {
    if (node.op !== 'stopGradient' && node.inputs.some((input) => dependent.has(input.node))) dependent.add(node);
  }
  return dependent;
}
