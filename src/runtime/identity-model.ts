import type { DType } from '../core/index.ts';

/** Element types that ONNX and every device's transfers know, with their numbers in TensorProto.DataType. */
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

/** A length-delimited field of a Protocol Buffers message; everything here is shorter than 128 bytes. */
function field(tag: number, payload: readonly number[]): number[] {
  return [(tag << 3) | 2, payload.length, ...payload];
}

function text(tag: number, value: string): number[] {
  return field(tag, [...new TextEncoder().encode(value)]);
}

/**
 * An ONNX model `y = Identity(x)` for tensors of any shape: a program whose input and output lie on different devices is the
 * engine's own way to copy between them.
 */
export function identityModel(dtype: DType): Uint8Array {
  const info = (name: string): number[] => [
    ...text(1, name),
    // TypeProto.Tensor with an elem_type alone: without a shape, any rank is allowed.
    ...field(2, field(1, [0x08, CODES[dtype]])),
  ];
  const node = [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Identity')];
  const graph = [...field(1, node), ...text(2, 'copy'), ...field(11, info('x')), ...field(12, info('y'))];
  // ir_version 8, graph, opset_import { version: 16 }
  return Uint8Array.from([0x08, 8, ...field(7, graph), ...field(8, [0x10, 16])]);
}
