import type { DType } from '../core/index.ts';
import type { Shape } from './dims.ts';
import type { OpAttributes, OpName } from './operators.ts';
import type { RematerialisedBlock } from './trace.ts';

/** What is known of a tensor before it has values. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A symbolic tensor: one output of one node of the graph. It has no values; a program computes them. */
export class Tensor implements TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly node: Node;
  /** Which of the node's outputs this is. */
  readonly index: number;

  constructor(type: TensorType, node: Node, index: number) {
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.node = node;
    this.index = index;
  }

  get rank(): number {
    return this.shape.length;
  }

  toString(): string {
    return `${this.node.op}: ${this.dtype}[${this.shape.join(', ')}]`;
  }
}

/** One application of an operator. Nodes form a directed acyclic graph through their inputs. */
export interface Node<K extends OpName = OpName> {
  /** Grows in order of tracing, so sorting by it is a topological order. */
  readonly id: number;
  readonly op: K;
  readonly inputs: readonly Tensor[];
  readonly attributes: OpAttributes[K];
  readonly outputs: readonly Tensor[];
  /** Path of the module that was being traced. */
  readonly path: string;
  readonly block: RematerialisedBlock | undefined;
}

/** All nodes that `tensors` depend on, themselves included, in topological order. */
export function reachableNodes(tensors: readonly Tensor[]): Node[] {
  const seen = new Set<Node>();
  const stack = tensors.map((tensor) => tensor.node);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
