import { type DType, elementCount, GraphError, hostTensor, type HostTensor, ShapeError } from '../core/index.ts';
import { addDims, formatShape, type Shape } from './dims.ts';
import { type OpAttributes, type OpName, type ParameterReference, shapeRules } from './operators.ts';
import { type Node, Tensor, type TensorType } from './tensor.ts';
import { currentBlock, currentPath } from './trace.ts';

let nextId = 0;

function createNode<K extends OpName>(
  op: K,
  inputs: readonly Tensor[],
  attributes: OpAttributes[K],
  types: readonly TensorType[],
): Node<K> {
  const outputs: Tensor[] = [];
  const node: Node<K> = { id: nextId++, op, inputs, attributes, outputs, path: currentPath(), block: currentBlock() };
  types.forEach((type, i) => outputs.push(new Tensor(type, node as unknown as Node, i)));
  return node;
}

/**
 * Applies an operator and gives all its outputs.
 * @throws ShapeError naming the operator, the shapes and the module's path
 */
export function applyAll<K extends OpName>(
  op: K,
  inputs: readonly Tensor[],
  attributes: OpAttributes[K],
): readonly Tensor[] {
  const types = shapeRules[op](inputs, attributes);
  if (typeof types === 'string') {
    const path = currentPath();
    const shapes = inputs.map((input) => `${input.dtype}${formatShape(input.shape)}`).join(' and ');
    throw new ShapeError(`${op} of ${shapes}: ${types}${path === '' ? '' : `\n  in ${path}`}`);
  }
  return createNode(op, inputs, attributes, types).outputs;
}

/** The same operation once more, on other inputs of the same types. */
export function repeatNode(node: Node, inputs: readonly Tensor[]): Node {
  return createNode(node.op, inputs, node.attributes, node.outputs) as Node;
}

/** Applies an operator and gives its first output. */
export function apply<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: OpAttributes[K]): Tensor {
  return applyAll(op, inputs, attributes)[0]!;
}

/** A tensor that is given when the program runs. */
export function input(name: string, dtype: DType, shape: Shape): Tensor {
  // Adding nothing spells an expression in the one way in which sizes are compared.
  const spelled = shape.map((dim) => addDims(dim, 0));
  return createNode('input', [], { name }, [{ dtype, shape: spelled }]).outputs[0]!;
}

/** A weight; see `nn.Parameter`. */
export function parameter(reference: ParameterReference, dtype: DType, shape: readonly number[]): Tensor {
  return createNode('parameter', [], { reference }, [{ dtype, shape }]).outputs[0]!;
}

/** A tensor whose values are part of the graph. */
export function constant(value: HostTensor): Tensor {
  return createNode('constant', [], { value }, [{ dtype: value.dtype, shape: value.shape }]).outputs[0]!;
}

/** A constant whose elements are all `value`. */
export function full(shape: readonly number[], value: number, dtype: DType = 'float32'): Tensor {
  const tensor = hostTensor(dtype, shape);
  if (dtype === 'int64') (tensor.data as BigInt64Array).fill(BigInt(value));
  else if (dtype === 'float16' || dtype === 'bfloat16') {
    if (value !== 0) throw new GraphError(`a ${dtype} constant other than 0`, 'make it float32 and cast it');
  } else (tensor.data as Float32Array).fill(value);
  return constant(tensor);
}

/** A constant of rank 0. */
export function scalar(value: number, dtype: DType = 'float32'): Tensor {
  if (dtype === 'float16' || dtype === 'bfloat16') return apply('cast', [full([], value)], { dtype });
  return full([], value, dtype);
}

/** A float32 constant from numbers. */
export function fromNumbers(shape: readonly number[], values: ArrayLike<number>): Tensor {
  if (values.length !== elementCount(shape))
    throw new ShapeError(`${values.length} numbers do not fill ${formatShape(shape)}`);
  return constant(hostTensor('float32', shape, Float32Array.from(values)));
}

/** An int64 constant from integers. */
export function fromIntegers(shape: readonly number[], values: ArrayLike<number>): Tensor {
  return constant(hostTensor('int64', shape, BigInt64Array.from(values as number[], BigInt)));
}
