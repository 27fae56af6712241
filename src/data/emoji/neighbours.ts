import { Random } from '../../core/index.ts';
import { shuffledOrder } from '../dataset.ts';

/**
 * The order of one pass in which up to `size` samples of the same group follow each other, so that a batch holds what is
 * hard to tell apart. A permutation that depends on seed and epoch alone.
 * @param groups the group of each sample
 */
export function neighbourOrder(groups: readonly string[], size: number, seed: number, epoch: number): Uint32Array {
  const runs: number[][] = [];
  const open = new Map<string, number[]>();
  for (const item of shuffledOrder(groups.length, seed, epoch)) {
    let run = open.get(groups[item]!);
    if (run === undefined) {
      run = [];
      runs.push(run);
      open.set(groups[item]!, run);
    }
    run.push(item);
    if (run.length === size) open.delete(groups[item]!);
  }
  return Uint32Array.from(new Random(seed).fork(`runs ${epoch}`).shuffle(runs).flat());
}
