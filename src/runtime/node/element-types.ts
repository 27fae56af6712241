import { DeviceError, type DType } from '../../core/index.ts';

/** Numbers of the C API's enum ONNXTensorElementDataType. */
const TYPE_CODES: Record<DType, number> = {
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

export function elementTypeCode(dtype: DType): number {
  return TYPE_CODES[dtype];
}

/** @throws DeviceError for a type that Sensorium has no name for (strings, unsigned words, 4-bit types). */
export function dtypeOfCode(code: number): DType {
  for (const [dtype, known] of Object.entries(TYPE_CODES)) if (known === code) return dtype as DType;
  throw new DeviceError(
    `the program gave a tensor of ONNX element type ${code}`,
    'cast that output to a type of Sensorium',
  );
}
