import { apply, inBlock, type Node, type RematerialisedBlock, repeatNode, type Tensor } from '../graph/index.ts';

/**
 * Traces a part of the forward pass whose intermediate values are not kept for the backward pass but computed again
 * there: less memory for about a third more work (Chen et al. 2016, arXiv 1604.06174).
 * @param body from the inputs to the result; it may also use parameters directly
 * @param inputs tensors that are kept
 */
export function rematerialise(body: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor {
  return inBlock({ inputs }, () => body(...inputs));
}

/** The second computation of rematerialised blocks, made when the backward pass first reaches each of them. */
export class Recomputation {
  readonly #nodesOf = new Map<RematerialisedBlock, Node[]>();
  readonly #repeated = new Map<RematerialisedBlock, Map<Tensor, Tensor>>();

  /** @param nodes the forward pass in topological order */
  constructor(nodes: readonly Node[]) {
    for (const node of nodes) {
      if (node.block === undefined) continue;
      const members = this.#nodesOf.get(node.block);
      if (members === undefined) this.#nodesOf.set(node.block, [node]);
      else members.push(node);
    }
  }

  /**
   * The node as its gradient rule should see it: with repeated inputs and outputs if it belongs to a block.
   * @param trigger a gradient that must be there before the block is computed again; without this the engine could
   *   compute it early and keep what was to be saved
   */
  of(node: Node, trigger: Tensor): Node {
    if (node.block === undefined) return node;
    const repeated = this.#repeated.get(node.block) ?? this.#repeat(node.block, trigger);
    const swap = (tensor: Tensor): Tensor => repeated.get(tensor) ?? tensor;
    return { ...node, inputs: node.inputs.map(swap), outputs: node.outputs.map(swap) };
  }

  #repeat(block: RematerialisedBlock, trigger: Tensor): Map<Tensor, Tensor> {
    const repeated = new Map<Tensor, Tensor>();
    for (const kept of block.inputs) repeated.set(kept, apply('barrier', [kept, trigger], {}));
    for (const node of this.#nodesOf.get(block) ?? []) {
      if (node.inputs.length === 0) continue;
      const copy = repeatNode(
        node,
        node.inputs.map((input) => repeated.get(input) ?? input),
      );
      node.outputs.forEach((output, i) => repeated.set(output, copy.outputs[i]!));
    }
    this.#repeated.set(block, repeated);
    return repeated;
  }
}
