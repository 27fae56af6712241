/** Element types of tensors, named as in safetensors and NumPy. */
export type DType = 'float32' | 'float64' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';

/** How a host tensor of each type is held. Half floats are held as their 16 bits. */
export interface TypedArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}
export type TypedArray = TypedArrayOf[DType];

const CONSTRUCTORS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Bytes of one element. */
export function byteSize(dtype: DType): number {
  return CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
}

/** A zeroed array of `length` elements. */
export function allocateArray<K extends DType>(dtype: K, length: number): TypedArrayOf[K] {
  return new CONSTRUCTORS[dtype](length) as TypedArrayOf[K];
}

/** A view of `length` elements on a buffer, with no copy; `byteOffset` must be a multiple of the element size. */
export function viewArray<K extends DType>(
  dtype: K,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): TypedArrayOf[K] {
  return new CONSTRUCTORS[dtype](buffer as ArrayBuffer, byteOffset, length) as TypedArrayOf[K];
}

export function isFloating(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16';
}
