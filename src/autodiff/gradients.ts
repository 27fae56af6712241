import { GraphError } from '../core/index.ts';
import {
  add,
  concat,
  type Dim,
  expand,
  full,
  type Node,
  reachableNodes,
  scalar,
  staticShape,
  type Tensor,
} from '../graph/index.ts';
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
    throw new GraphError(
      `a gradient needs a scalar, got a tensor of shape [${output.shape.join(', ')}]`,
      'sum it, or give a seed',
    );
  }
  const nodes = reachableNodes([output]);
  const dependent = nodesDependingOn(nodes, wrt);
  const parts = new Map<Tensor, Contribution[]>([
    [output, [{ gradient: seed ?? scalar(1, output.dtype), from: undefined }]],
  ]);
  const sums = new Map<Tensor, Tensor>();
  const gradientOf = (tensor: Tensor): Tensor | undefined => {
    const contributions = parts.get(tensor);
    if (contributions === undefined) return undefined;
    const sum = sums.get(tensor) ?? sumContributions(tensor, contributions);
    sums.set(tensor, sum);
    return sum;
  };
  const recomputation = new Recomputation(nodes);

  for (const node of nodes.reverse()) {
    if (!dependent.has(node)) continue;
    const outputGradients = node.outputs.map(gradientOf);
    const trigger = outputGradients.find((gradient) => gradient !== undefined);
    if (trigger === undefined) continue;
    const rule = gradientRules[node.op] as GradientRule;
    const inputGradients = rule(recomputation.of(node, trigger), outputGradients);
    node.inputs.forEach((input, i) => {
      const gradient = inputGradients[i];
      if (gradient === undefined || !dependent.has(input.node)) return;
      const contributions = parts.get(input);
      const contribution = {
        gradient,
        from: node.op === 'slice' ? (node as Node<'slice'>) : undefined,
        whole: outputGradients[0],
      };
      if (contributions === undefined) parts.set(input, [contribution]);
      else contributions.push(contribution);
    });
  }
  return wrt.map(
    (tensor) => gradientOf(tensor) ?? full(staticShape(tensor.shape, 'a gradient of zero'), 0, tensor.dtype),
  );
}

/** Nodes that have one of `wrt` among their outputs or anywhere above, without passing through a stopped gradient. */
function nodesDependingOn(nodes: readonly Node[], wrt: readonly Tensor[]): Set<Node> {
  const dependent = new Set<Node>(wrt.map((tensor) => tensor.node));
  for (const node of nodes) {
    if (node.op !== 'stopGradient' && node.inputs.some((input) => dependent.has(input.node))) dependent.add(node);
  }
  return dependent;
}

/** What one use of a tensor adds to its gradient. */
interface Contribution {
  readonly gradient: Tensor;
  /** The slice that the tensor went through, and the gradient of its result. */
  readonly from: Node<'slice'> | undefined;
  readonly whole?: Tensor | undefined;
}

/**
 * Adds up. Slices that cut a tensor into pieces, as projections for queries, keys and values are cut, give back their
 * pieces joined, with zeros where no piece lay, in place of a sum of tensors that are mostly zeros.
 */
function sumContributions(tensor: Tensor, contributions: readonly Contribution[]): Tensor {
  const joined = joinPieces(tensor, contributions);
  if (joined === undefined) return contributions.map(({ gradient }) => gradient).reduce((a, b) => add(a, b));
  const others = contributions.filter(({ from }) => from === undefined);
  return others.reduce((sum, { gradient }) => add(sum, gradient), joined);
}

/** What came through slices; undefined where they are fewer than two, overlap, leave entries out or cut several dimensions. */
function joinPieces(tensor: Tensor, contributions: readonly Contribution[]): Tensor | undefined {
  const pieces = contributions
    .filter(({ from }) => from !== undefined)
    .sort((a, b) => a.from!.attributes.start - b.from!.attributes.start);
  if (pieces.length < 2) return undefined;
  const { axis } = pieces[0]!.from!.attributes;
  const parts: Tensor[] = [];
  let end: Dim = 0;
  /** Zeros up to where the next piece starts. @returns whether it starts there or later */
  const fill = (start: Dim): boolean => {
    if (start === end) return true;
    if (typeof start !== 'number' || typeof end !== 'number' || start < end) return false;
    const shape = tensor.shape.map((dim, i) => (i === axis ? (start as number) - (end as number) : dim));
    parts.push(expand(scalar(0, tensor.dtype), shape));
    return true;
  };
  for (const { from, whole } of pieces) {
    const { attributes } = from!;
    if (attributes.axis !== axis || attributes.step !== 1 || !fill(attributes.start)) return undefined;
    parts.push(whole!);
    end = attributes.end;
  }
  return fill(tensor.shape[axis]!) ? concat(parts, axis) : undefined;
}
