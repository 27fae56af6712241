import { elementCount, type HostTensor } from '../../../core/index.ts';
import { type LocatedWeights, readLocated } from '../../../hub/node/index.ts';

/** Bytes that dequantized matrices may take: what a step saves is time, and that of a large model goes elsewhere. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Matrices in few bits of a small model, as the numbers that they stand for: else each step would bring them back anew, twice, which
 * takes a fifth of its time where rows are few. Those of larger models stay in their files.
 * @param reads whether steps read a weight
 * @throws CheckpointError when a file cannot be read
 */
export async function dequantized(
  located: LocatedWeights,
  reads: (name: string) => boolean,
): Promise<ReadonlyMap<string, HostTensor>> {
  const found = [...located.places].filter(([name, { quantized }]) => quantized !== undefined && reads(name));
  const numbers = new Map<string, HostTensor>();
  if (found.reduce((sum, [, { shape }]) => sum + 4 * elementCount(shape), 0) > MOST_BYTES) return numbers;
  for (const [name, { shape }] of found) numbers.set(name, await readLocated(located, name, shape));
  return numbers;
}
