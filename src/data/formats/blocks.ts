import type { SamplePicture, SampleSource } from '../samples.ts';

/** A source whose samples lie in blocks, such as row groups or shards: neighbours are cheap to read together. */
export interface BlockedSource extends SampleSource {
  /** First sample of each block, ascending from 0. */
  readonly blocks?: readonly number[];
}

/** A picture that is a file somewhere, which can be copied as it is. */
export interface StoredPicture extends SamplePicture {
  /** The file's contents, not looked at. @throws DataError when they cannot be read */
  readonly bytes?: () => Promise<Uint8Array>;
}

/** The block that holds a sample. @param starts ascending from 0 */
export function blockOf(starts: ArrayLike<number>, index: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle]! <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}
