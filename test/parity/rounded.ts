import { hostTensor, type HostTensor } from '../../src/core/index.ts';

/** A float32 tensor rounded towards zero to 16 bits, and stored so or as float32 again. */
export function rounded(
  tensor: HostTensor,
  to: 'bfloat16' | 'float16',
  stored: 'bfloat16' | 'float16' | 'float32',
): HostTensor {
  const bits = new Uint32Array(Float32Array.from(tensor.data as Float32Array).buffer);
  // Small numbers become zero in float16, whose exponents are few.
  const kept =
    to === 'bfloat16'
      ? bits.map((word) => word & 0xffff_0000)
      : bits.map((word) => (((word >>> 23) & 0xff) < 113 ? 0 : word & 0xffff_e000));
  if (stored === 'float32') return hostTensor('float32', tensor.shape, new Float32Array(kept.buffer));
  const half = Uint16Array.from(kept, (word) => {
    if (stored === 'bfloat16') return word >>> 16;
    if (word === 0) return 0;
    return ((word >>> 16) & 0x8000) | ((((word >>> 23) & 0xff) - 112) << 10) | ((word >>> 13) & 0x3ff);
  });
  return hostTensor(stored, tensor.shape, half);
}
