/** Floating-point numbers of 16 bits, in bulk. Halves are rounded to the nearest, ties to even, as PyTorch and the engine do. */
import { allocateArray, type DType, type TypedArrayOf } from './dtype.ts';

/** Floating types that checkpoints hold their weights in. */
export type WeightDType = 'float32' | 'float16' | 'bfloat16';

export function isWeightDType(dtype: DType): dtype is WeightDType {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';
}

/** Numbers of a type as float32. @param into as long as `values`; a new array by default */
export function toFloat32<K extends WeightDType>(
  dtype: K,
  values: TypedArrayOf[K],
  into: Float32Array = new Float32Array(values.length),
): Float32Array {
  if (dtype === 'float32') {
    into.set(values as Float32Array);
  } else if (dtype === 'bfloat16') {
    const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
    for (let i = 0; i < values.length; i++) bits[i] = values[i]! << 16;
  } else {
    halves ??= halfTable();
    for (let i = 0; i < values.length; i++) into[i] = halves[values[i]!]!;
  }
  return into;
}

/** float32 numbers as another type; what is too large becomes infinite. */
export function fromFloat32<K extends WeightDType>(dtype: K, values: Float32Array): TypedArrayOf[K] {
  const into = allocateArray(dtype, values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  if (dtype === 'float32') (into as Float32Array).set(values);
  else {
    const round = dtype === 'bfloat16' ? bfloatBits : halfBits;
    const out = into as Uint16Array;
    for (let i = 0; i < bits.length; i++) out[i] = round(bits[i]!);
  }
  return into;
}

/** Numbers of one type as another. Equal types are copied bit by bit. */
export function convertFloats<A extends WeightDType, B extends WeightDType>(
  from: A,
  to: B,
  values: TypedArrayOf[A],
): TypedArrayOf[B] {
  if ((from as WeightDType) === to) return values.slice() as TypedArrayOf[B];
  return fromFloat32(to, from === 'float32' ? (values as Float32Array) : toFloat32(from, values));
}

/** Half of the smallest step is added, less one where that would round a tie to odd; a carry makes the next power of two. */
function bfloatBits(bits: number): number {
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  // 65,520 and above rounds to 2¹⁶, which there is not.
  if (magnitude >= 0x477f_f000) return sign | 0x7c00;
  if (magnitude >= 0x3880_0000) return sign | ((magnitude - 0x3800_0000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  // Below 2⁻¹⁴ steps are all 2⁻²⁴; below 2⁻²⁵ the nearest is zero.
  if (magnitude < 0x3300_0000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7f_ffff) | 0x80_0000;
  const kept = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + Number(rest > half || (rest === half && (kept & 1) === 1)));
}

let halves: Float32Array | undefined;

/** Every half by its bits. */
function halfTable(): Float32Array {
  return Float32Array.from({ length: 0x1_0000 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 0x1f;
    const mantissa = bits & 0x3ff;
    if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
    return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
  });
}
