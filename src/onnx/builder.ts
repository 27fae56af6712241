import { create, toBinary } from '@bufbuild/protobuf';
import { type DType, hostTensor, type HostTensor } from '../core/index.ts';
import type { Shape } from '../graph/index.ts';
import {
  AttributeProto_AttributeType,
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type TensorProto,
  TensorProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  TensorShapeProtoSchema,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';

/** Version of the standard operator set; 20 brought Gelu. */
const OPSET = 20n;
const IR_VERSION = 10n;

const DATA_TYPES: Readonly<Record<DType, TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  int8: TensorProto_DataType.INT8,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
};

/** ONNX's number for an element type, as operators like Cast take it. */
export function dataType(dtype: DType): number {
  return DATA_TYPES[dtype];
}

/** Attribute values: a whole number is an INT unless it is wrapped as {@link real}. */
export type AttributeValue = number | string | readonly number[] | GraphProto | { readonly real: number };

/** Marks a number as a FLOAT attribute. */
export function real(value: number): { readonly real: number } {
  return { real: value };
}

/** Where the values of a weight lie in a file. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
  /** Element type in the file, where it is not the parameter's: the graph converts it. */
  readonly dtype?: DType;
  /** Set where a matrix is kept in few bits: the place above is then that of its packed numbers. */
  readonly quantized?: QuantizedData;
}

/**
 * What belongs to a quantized matrix [N, K] besides its packed numbers, uint8 [N, ⌈K / block⌉, block · bits / 8].
 * A number is scale · (packed − zero point).
 */
export interface QuantizedData {
  readonly bits: 4 | 8;
  /** Numbers of a row that share a scale. */
  readonly block: number;
  /** float32 [N, ⌈K / block⌉]. */
  readonly scales: ExternalData;
  /** uint8 [N, ⌈⌈K / block⌉ · bits / 8⌉]; 2^(bits − 1) for every block where it is absent. */
  readonly zeroPoints?: ExternalData;
}

interface PlannedNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly AttributeProto[];
}

/** Gathers nodes and constants and writes them as a ModelProto. Values are known by name; '' is an omitted input. */
export class OnnxBuilder {
  readonly #nodes: PlannedNode[] = [];
  readonly #initializers: TensorProto[] = [];
  /** Names of those whose values stay in a file. */
  readonly #external: string[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #constants = new Map<string, string>();
  readonly #renamed = new Map<string, string>();
  #next: number;
  readonly #prefix: string;

  /** @param prefix keeps the names of a nested graph apart from those around it */
  constructor(prefix = '') {
    this.#prefix = prefix;
    this.#next = 0;
  }

  fresh(): string {
    return `${this.#prefix}${this.#next++}`;
  }

  /** Adds a node with one output and gives the output's name. */
  op(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    domain = '',
  ): string {
    return this.ops(op, 1, inputs, attributes, domain)[0]!;
  }

  /** Adds a node with several outputs. */
  ops(
    op: string,
    outputs: number,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    domain = '',
  ): string[] {
    // A copy: reading a name may write the node that makes it, which must come before this one.
    const read = [...inputs];
    const names = Array.from({ length: outputs }, () => this.fresh());
    const protos = Object.entries(attributes).map(([name, value]) => attribute(name, value));
    this.#nodes.push({ op, domain, inputs: read, outputs: names, attributes: protos });
    return names;
  }

  /** A constant; equal small ones are kept once. */
  constant(tensor: HostTensor): string {
    const { buffer, byteOffset, byteLength } = tensor.data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const key = byteLength <= 256 ? `${tensor.dtype}[${tensor.shape.join()}]${bytes.join()}` : undefined;
    const known = key !== undefined ? this.#constants.get(key) : undefined;
    if (known !== undefined) return known;
    const name = this.fresh();
    this.#initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: tensor.shape.map(BigInt),
        dataType: dataType(tensor.dtype),
        rawData: bytes,
      }),
    );
    if (key !== undefined) this.#constants.set(key, name);
    return name;
  }

  integers(values: readonly number[]): string {
    return this.constant(hostTensor('int64', [values.length], BigInt64Array.from(values, BigInt)));
  }

  /** A scalar of a floating type or int32. */
  scalar(value: number, dtype: DType = 'float32'): string {
    const tensor = hostTensor(dtype, []);
    if (dtype === 'int64') (tensor.data as BigInt64Array)[0] = BigInt(value);
    else (tensor.data as Float32Array)[0] = value;
    return this.constant(tensor);
  }

  /** A weight whose values stay in their file. */
  external(name: string, dtype: DType, shape: readonly number[], data: ExternalData): void {
    const entry = (key: string, value: string | number) =>
      create(StringStringEntryProtoSchema, { key, value: String(value) });
    this.#external.push(name);
    this.#initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: shape.map(BigInt),
        dataType: dataType(dtype),
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: [entry('location', data.location), entry('offset', data.offset), entry('length', data.length)],
      }),
    );
  }

  input(name: string, dtype: DType, shape: Shape): void {
    this.#inputs.push(valueInfo(name, dtype, shape));
  }

  /** Declares `value` an output called `name`; a value that already has a public name is copied. */
  output(name: string, value: string, dtype: DType, shape: Shape): void {
    const produced = this.#nodes.some((node) => node.outputs.includes(value));
    if (produced && !this.#renamed.has(value)) this.#renamed.set(value, name);
    else this.#renamed.set(this.op('Identity', [value]), name);
    this.#outputs.push(valueInfo(name, dtype, shape));
  }

  graph(name: string): GraphProto {
    const rename = (value: string): string => this.#renamed.get(value) ?? value;
    return create(GraphProtoSchema, {
      name,
      node: this.#ordered().map((node, i) =>
        create(NodeProtoSchema, {
          name: `${node.op}_${this.#prefix}${i}`,
          opType: node.op,
          domain: node.domain,
          input: node.inputs.map(rename),
          output: node.outputs.map(rename),
          attribute: [...node.attributes],
        }),
      ),
      initializer: this.#initializers,
      input: this.#inputs,
      output: this.#outputs,
    });
  }

  /**
   * ONNX Runtime computes what nobody reads further in the reverse of its order in the file, each with all that it needs.
   * With those nodes at the end and turned around, the gradients of the last layers come first, and what a layer kept
   * for its backward pass is freed before the next one's gradients are computed.
   *
   * Of what one node needs, the engine computes first what comes last in the file. So what depends on stored weights alone
   * comes first there, such as a matrix brought back from few bits: it is then made right before it is read, and not before
   * the whole backward pass that leads there, beside those of all other layers.
   */
  #ordered(): PlannedNode[] {
    const read = new Set(this.#nodes.flatMap((node) => node.inputs));
    const known = new Set(['', ...this.#initializers.map(({ name }) => name)]);
    const stored = new Set(this.#external);
    const fromWeights: PlannedNode[] = [];
    const others: PlannedNode[] = [];
    const unread: PlannedNode[] = [];
    for (const node of this.#nodes) {
      const { inputs, outputs } = node;
      if (!outputs.some((output) => read.has(output))) unread.push(node);
      else if (inputs.some((input) => stored.has(input)) && inputs.every((input) => known.has(input))) {
        fromWeights.push(node);
        for (const output of outputs) {
          known.add(output);
          stored.add(output);
        }
      } else others.push(node);
    }
    return [...fromWeights, ...others, ...unread.reverse()];
  }

  /** The finished model as bytes. */
  finish(name: string): Uint8Array {
    return toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, {
        irVersion: IR_VERSION,
        producerName: 'sensorium',
        opsetImport: [
          { domain: '', version: OPSET },
          { domain: 'com.microsoft', version: 1n },
        ],
        graph: this.graph(name),
      }),
    );
  }
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  const Type = AttributeProto_AttributeType;
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(value) });
  if (typeof value === 'string')
    return create(AttributeProtoSchema, { name, type: Type.STRING, s: new TextEncoder().encode(value) });
  if ('real' in value) return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value.real });
  if ('$typeName' in value) return create(AttributeProtoSchema, { name, type: Type.GRAPH, g: value });
  return create(AttributeProtoSchema, { name, type: Type.INTS, ints: value.map(BigInt) });
}

function valueInfo(name: string, dtype: DType, shape: Shape): ValueInfoProto {
  const dims = shape.map((dim) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof dim === 'number' ? { case: 'dimValue', value: BigInt(dim) } : { case: 'dimParam', value: dim },
    }),
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: dataType(dtype),
          shape: create(TensorShapeProtoSchema, { dim: dims }),
        }),
      },
    }),
  });
}
