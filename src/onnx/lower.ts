import { type DType, GraphError } from '../core/index.ts';
import { type Dim, dimTerms, type Node, type OpName, reachableNodes, type Shape, type Tensor } from '../graph/index.ts';
import { type ExternalData, OnnxBuilder } from './builder.ts';
import { loweringRules } from './lowering/rules.ts';
import { JointProducts } from './lowering/joint-products.ts';
import type { Lowering, LoweringRule } from './lowering/shared.ts';
import { StoredWeight } from './lowering/stored-weight.ts';

/** Kinds of engines that lack different kernels: `cpu` stands for native and WebAssembly, and for CUDA. */
export type LoweringDevice = 'cpu' | 'webgpu';

export interface LowerOptions {
  readonly device?: LoweringDevice;
  /**
   * How weights get in: as inputs named by their keys (training, the default), or by pointing into a file (inference).
   * A weight for which the function gives nothing becomes an input.
   */
  readonly external?: (name: string, dtype: DType, shape: readonly number[]) => ExternalData | undefined;
  /**
   * For training: stored weights are converted anew for every use, so that no whole copy lies in memory between the forward
   * and the backward pass, and products with those in few bits take exactly the numbers that they stand for.
   */
  readonly training?: boolean;
}

/** An input or output of a lowered graph. */
export interface Signature {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A graph as bytes that ONNX Runtime understands. */
export interface LoweredGraph {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  /** Names of those inputs that are weights. */
  readonly parameters: readonly string[];
  readonly nodeCount: number;
}

/**
 * Lowers everything that `outputs` depend on to an ONNX model.
 * @throws GraphError when two of the inputs, weights and outputs share a name
 */
export function lower(outputs: Readonly<Record<string, Tensor>>, options: LowerOptions = {}): LoweredGraph {
  const builder = new OnnxBuilder();
  const nodes = reachableNodes(Object.values(outputs));
  const context = new GraphLowering(builder, options.device ?? 'cpu', nodes);
  const inputs: Signature[] = [];
  const parameters: string[] = [];

  const places = new Map<Node, ExternalData>();
  for (const node of nodes) {
    if (node.op !== 'parameter') continue;
    const tensor = node.outputs[0]!;
    const data = options.external?.(leafName(node), tensor.dtype, tensor.shape as number[]);
    if (data === undefined) continue;
    places.set(node, data);
    if (data.quantized !== undefined || (data.dtype ?? tensor.dtype) !== tensor.dtype)
      context.defineStored(tensor, new StoredWeight(builder, leafName(node), tensor, data, options.training));
  }
  if (options.training !== true) context.joint = new JointProducts(nodes, (tensor) => context.stored(tensor));

  for (const node of nodes) {
    if (node.op === 'input' || node.op === 'parameter') {
      const tensor = node.outputs[0]!;
      if (context.stored(tensor) !== undefined) continue;
      const name = leafName(node);
      const { dtype, shape } = tensor;
      const data = places.get(node);
      if (data !== undefined) {
        builder.external(name, dtype, shape as number[], data);
      } else {
        if (inputs.some((input) => input.name === name)) throw new GraphError(`two inputs are called '${name}'`);
        builder.input(name, dtype, shape);
        inputs.push({ name, dtype, shape });
        if (node.op === 'parameter') parameters.push(name);
      }
      context.define(node.outputs[0]!, name);
    } else {
      const rule = loweringRules[node.op] as LoweringRule;
      const names = rule(context, node, context.namesOf(node.inputs));
      names.forEach((name, i) => context.define(node.outputs[i]!, name));
    }
  }
  for (const [name, tensor] of Object.entries(outputs)) {
    if (inputs.some((input) => input.name === name))
      throw new GraphError(`an input and an output are both called '${name}'`);
    builder.output(name, context.nameOf(tensor), tensor.dtype, tensor.shape);
  }
  return {
    bytes: builder.finish('sensorium'),
    inputs,
    outputs: Object.entries(outputs).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    parameters,
    nodeCount: nodes.length,
  };
}

function leafName(node: Node): string {
  const name =
    node.op === 'input'
      ? (node as Node<'input'>).attributes.name
      : (node as Node<'parameter'>).attributes.reference.name;
  if (name === '')
    throw new GraphError(
      'a weight has no name',
      'give the model to `assignPaths` (or make a trainer of it) before tracing',
    );
  return name;
}

class GraphLowering implements Lowering {
  readonly builder: OnnxBuilder;
  readonly device: LoweringDevice;
  joint: JointProducts = new JointProducts([], () => undefined);
  readonly #names = new Map<Tensor, string>();
  readonly #stored = new Map<Tensor, StoredWeight>();
  readonly #sizes = new Map<string, string>();
  readonly #inputs: readonly Node[];

  constructor(builder: OnnxBuilder, device: LoweringDevice, nodes: readonly Node<OpName>[]) {
    this.builder = builder;
    this.device = device;
    this.#inputs = nodes.filter((node) => node.op === 'input');
  }

  define(tensor: Tensor, name: string): void {
    this.#names.set(tensor, name);
  }

  defineStored(tensor: Tensor, weight: StoredWeight): void {
    this.#stored.set(tensor, weight);
  }

  stored(tensor: Tensor): StoredWeight | undefined {
    return this.#stored.get(tensor);
  }

  nameOf(tensor: Tensor): string {
    const name = this.#names.get(tensor) ?? this.#stored.get(tensor)?.converted();
    if (name === undefined) throw new GraphError(`${tensor} was used before it was computed`);
    return name;
  }

  /** Names that are made when they are read: only then a stored weight is converted. */
  namesOf(tensors: readonly Tensor[]): readonly string[] {
    const names: string[] = [];
    tensors.forEach((tensor, i) => {
      let name: string | undefined;
      Object.defineProperty(names, i, { enumerable: true, get: () => (name ??= this.nameOf(tensor)) });
    });
    return names;
  }

  shape(shape: Shape): string {
    if (shape.every((dim) => typeof dim === 'number')) return this.builder.integers(shape);
    return this.builder.op(
      'Concat',
      shape.map((dim) => this.size(dim)),
      { axis: 0 },
    );
  }

  size(dim: Dim): string {
    if (typeof dim === 'number') return this.builder.integers([dim]);
    const known = this.#sizes.get(dim);
    if (known !== undefined) return known;
    const terms = dimTerms(dim).map(([coefficient, names]) =>
      names
        .map((name) => this.#symbol(name))
        .reduce((product, name) => this.builder.op('Mul', [product, name]), this.builder.integers([coefficient])),
    );
    const sum = terms.reduce((a, b) => this.builder.op('Add', [a, b]));
    this.#sizes.set(dim, sum);
    return sum;
  }

  /** A size that has a name, read from an input that carries it. */
  #symbol(name: string): string {
    const known = this.#sizes.get(name);
    if (known !== undefined) return known;
    for (const node of this.#inputs) {
      const tensor = node.outputs[0]!;
      const axis = tensor.shape.indexOf(name);
      if (axis < 0) continue;
      const size = this.builder.op('Shape', [leafName(node)], { start: axis, end: axis + 1 });
      this.#sizes.set(name, size);
      return size;
    }
    throw new GraphError(
      `the size '${name}' cannot be read from any input of the graph`,
      'let an input have it as a dimension of its own',
    );
  }
}
