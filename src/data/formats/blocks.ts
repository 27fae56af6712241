import type { SampleSource } from '../samples.ts';

/** A source whose samples lie in blocks, such as row groups or shards: neighbours are cheap to read together. */
export interface BlockedSource extends SampleSource {
  /** First sample of each block, ascending from 0. */
  readonly blocks?: readonly number[];
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
