import type { DType, HostTensor } from '../../../src/core/index.ts';
import type { ProgramSource, TensorSpec } from '../../../src/runtime/types.ts';

// A writer of small ONNX models, so that these tests stand on nothing but the runtime.

const CODES: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

type Field = [tag: number, value: number | bigint | string | Uint8Array | Field[]];

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return bytes;
}

/** Protocol Buffers: numbers as varints, everything else with its length before it. */
function message(fields: Field[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [tag, value] of fields) {
    if (typeof value === 'number' || typeof value === 'bigint') {
      parts.push(Uint8Array.from([...varint(BigInt(tag << 3)), ...varint(BigInt(value))]));
    } else {
      const bytes =
        typeof value === 'string' ? new TextEncoder().encode(value) : Array.isArray(value) ? message(value) : value;
      parts.push(Uint8Array.from([...varint(BigInt((tag << 3) | 2)), ...varint(BigInt(bytes.length))]), bytes);
    }
  }
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function valueInfo(spec: TensorSpec): Field[] {
  const dims = spec.shape.map((size): Field => [1, typeof size === 'number' ? [[1, size]] : [[2, size]]]);
  return [
    [1, spec.name],
    [
      2,
      [
        [
          1,
          [
            [1, CODES[spec.dtype]],
            [2, dims],
          ],
        ],
      ],
    ],
  ];
}

function initializer(name: string, tensor: HostTensor): Field[] {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return [
    ...tensor.shape.map((size): Field => [1, size]),
    [2, CODES[tensor.dtype]],
    [8, name],
    [9, new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)],
  ];
}

export interface Node {
  op: string;
  inputs: string[];
  outputs: string[];
  /** Integer attributes. */
  ints?: Record<string, number>;
  domain?: string;
  /** Graph attributes. */
  graphs?: Record<string, GraphSpec>;
}

export interface GraphSpec {
  inputs: TensorSpec[];
  outputs: TensorSpec[];
  nodes: Node[];
  constants?: Record<string, HostTensor>;
  /** Initialisers in a file: where they lie. */
  external?: Record<string, { dtype: DType; shape: number[]; location: string; offset: number; length: number }>;
}

function graph(spec: GraphSpec): Field[] {
  return [
    ...spec.nodes.map((node): Field => [
      1,
      [
        ...node.inputs.map((name): Field => [1, name]),
        ...node.outputs.map((name): Field => [2, name]),
        [4, node.op],
        ...Object.entries(node.ints ?? {}).map(([name, value]): Field => [
          5,
          [
            [1, name],
            [3, value],
            [20, 2],
          ],
        ]),
        ...Object.entries(node.graphs ?? {}).map(([name, body]): Field => [
          5,
          [
            [1, name],
            [6, graph(body)],
            [20, 5],
          ],
        ]),
        ...(node.domain === undefined ? [] : ([[7, node.domain]] as Field[])),
      ],
    ]),
    [2, 'graph'],
    ...Object.entries(spec.constants ?? {}).map(([name, tensor]): Field => [5, initializer(name, tensor)]),
    ...Object.entries(spec.external ?? {}).map(([name, data]): Field => [
      5,
      [
        ...data.shape.map((size): Field => [1, size]),
        [2, CODES[data.dtype]],
        [8, name],
        ...(['location', 'offset', 'length'] as const).map((key): Field => [
          13,
          [
            [1, key],
            [2, String(data[key])],
          ],
        ]),
        [14, 1],
      ],
    ]),
    ...spec.inputs.map((input): Field => [11, valueInfo(input)]),
    ...spec.outputs.map((output): Field => [12, valueInfo(output)]),
  ];
}

/** A program source of one graph (IR version 10, operator set 21). */
export function model(spec: GraphSpec): ProgramSource {
  const bytes = message([
    [1, 10],
    [7, graph(spec)],
    [
      8,
      [
        [1, ''],
        [2, 21],
      ],
    ],
    [
      8,
      [
        [1, 'com.microsoft'],
        [2, 1],
      ],
    ],
  ]);
  return { bytes, inputs: spec.inputs, outputs: spec.outputs };
}

export function spec(name: string, shape: (number | string)[], dtype: DType = 'float32'): TensorSpec {
  return { name, dtype, shape };
}

/** z = op(x, y), all of one shape. */
export function binary(
  op: string,
  shape: (number | string)[],
  dtype: DType = 'float32',
  out: DType = dtype,
): ProgramSource {
  return model({
    inputs: [spec('x', shape, dtype), spec('y', shape, dtype)],
    outputs: [spec('z', shape, out)],
    nodes: [{ op, inputs: ['x', 'y'], outputs: ['z'] }],
  });
}
