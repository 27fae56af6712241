/** A set of bytes, one bit each in eight words. */
export type ByteSet = Uint32Array;

export function byteRange(low: number, high: number): ByteSet {
  const set = new Uint32Array(8);
  for (let byte = low; byte <= high; byte++) set[byte >> 5]! |= 1 << (byte & 31);
  return set;
}

export function union(a: ByteSet, b: ByteSet): ByteSet {
  return a.map((word, i) => word | b[i]!);
}

export function has(set: ByteSet, byte: number): boolean {
  return ((set[byte >> 5]! >>> (byte & 31)) & 1) === 1;
}

/** The bytes at which membership differs from the byte before: where one class of bytes ends and the next begins. */
export function boundaries(set: ByteSet): ByteSet {
  const result = new Uint32Array(8);
  for (let byte = 1; byte < 256; byte++)
    if (has(set, byte) !== has(set, byte - 1)) result[byte >> 5]! |= 1 << (byte & 31);
  return result;
}
