/** What a traced graph will take, without running it. */
import { byteSize, elementCount } from '../../core/index.ts';
import { type Node, type OpAttributes, reachableNodes, type Tensor, type Window2d } from '../../graph/index.ts';

/** One run of a graph. */
export interface Workload {
  /** Additions and multiplications of products and convolutions. */
  readonly operations: number;
  /** Bytes that all other operators read and write. */
  readonly moved: number;
  /** Most bytes of intermediate values that are needed at one time. */
  readonly peak: number;
  readonly nodes: number;
}

/** Their values are there before the graph runs. */
const LEAVES: ReadonlySet<string> = new Set(['input', 'parameter', 'constant']);
/** Their results are their inputs under another name or shape. */
const VIEWS: ReadonlySet<string> = new Set(['reshape', 'stopGradient', 'barrier', 'customGradient']);
/** Their results may take the place of an input that nothing else needs. */
const IN_PLACE: ReadonlySet<string> = new Set(
  'neg exp log sqrt reciprocal tanh sigmoid erf relu abs sin cos add sub mul div'.split(' '),
);

/**
 * Reckons what a graph takes whose sizes are all known. Values are taken to live from the node that makes them to the last
 * that reads them, in the order of tracing.
 * @param outputs kept until the end
 */
export function workloadOf(outputs: readonly Tensor[]): Workload {
  const nodes = reachableNodes(outputs);
  const storage = new Map<Tensor, Tensor>();
  const place = (tensor: Tensor): Tensor => storage.get(tensor) ?? tensor;
  const lastUse = new Map<Tensor, number>();
  const order = new Map(nodes.map((node, index) => [node, index]));
  for (const node of nodes) {
    if (VIEWS.has(node.op)) for (const output of node.outputs) storage.set(output, place(node.inputs[0]!));
    for (const input of node.inputs) lastUse.set(place(input), order.get(node)!);
  }
  for (const output of outputs) lastUse.set(place(output), nodes.length);

  let [operations, moved, live, peak] = [0, 0, 0, 0];
  for (const [index, node] of nodes.entries()) {
    const product = operationsOf(node);
    operations += product;
    if (LEAVES.has(node.op) || VIEWS.has(node.op)) continue;
    if (product === 0) moved += sum(node.inputs) + sum(node.outputs);
    const ended = [...new Set(node.inputs.map(place))].filter(
      (tensor) => lastUse.get(tensor) === index && !LEAVES.has(tensor.node.op),
    );
    const reused = IN_PLACE.has(node.op) && ended.some((tensor) => bytesOf(tensor) === bytesOf(node.outputs[0]!));
    live += reused ? 0 : sum(node.outputs);
    peak = Math.max(peak, live);
    live -= sum(ended) - (reused ? bytesOf(node.outputs[0]!) : 0);
    // Results that nothing reads, as of an operator with several.
    for (const output of node.outputs) if (!lastUse.has(output)) live -= bytesOf(output);
  }
  return { operations, moved, peak, nodes: nodes.length };
}

function sum(tensors: readonly Tensor[]): number {
  return tensors.reduce((total, tensor) => total + bytesOf(tensor), 0);
}

function bytesOf({ dtype, shape }: Tensor): number {
  return elementsOf(shape) * byteSize(dtype);
}

/** Sizes that are not known count as 1. */
function elementsOf(shape: Tensor['shape']): number {
  return elementCount(shape.map((dim) => (typeof dim === 'number' ? dim : 1)));
}

/** Additions and multiplications of a product or a convolution; 0 for other operators. */
function operationsOf(node: Node): number {
  const [a, b] = node.inputs;
  const results = (): number => 2 * elementsOf(node.outputs[0]!.shape);
  const size = (tensor: Tensor | undefined, axis: number): number => elementsOf([tensor!.shape.at(axis)!]);
  switch (node.op) {
    case 'matmul':
      return results() * size(a, (node.attributes as OpAttributes['matmul']).transA ? -2 : -1);
    case 'linear':
      return results() * size(a, -1);
    case 'conv2d': {
      const [rows, columns] = (node.attributes as Window2d).kernel;
      return results() * size(b, 1) * rows * columns;
    }
    case 'conv2dInputGradient': {
      const [rows, columns] = (node.attributes as Window2d).kernel;
      return 2 * elementsOf(a!.shape) * size(b, 1) * rows * columns;
    }
    case 'fusedAttention':
    case 'cachedAttention':
      // Scores and their product with the values.
      return 2 * results() * size(b, 1);
    default:
      return 0;
  }
}
