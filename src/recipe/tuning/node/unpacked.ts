import { elementCount, type HostTensor } from '../../../core/index.ts';
import { type LocatedWeights, readLocated } from '../../../hub/node/index.ts';

/** Bytes that unpacked matrices may take: what a step saves is time, and that of a large model goes elsewhere. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Matrices in few bits of a small model, as the numbers that they stand for: else each step would bring them back anew, twice, which
 * takes half of its time where rows are few. Those of larger models stay in their files.
 * @returns the places of all other weights, and the numbers of those
 * @throws CheckpointError when a file cannot be read
 */
export async function unpacked(
  located: LocatedWeights,
): Promise<{ readonly places: LocatedWeights; readonly weights: Record<string, HostTensor> }> {
  const packed = [...located.places].filter(([, { quantized }]) => quantized !== undefined);
  const bytes = packed.reduce((sum, [, { shape }]) => sum + 4 * elementCount(shape), 0);
  if (bytes > MOST_BYTES) return { places: located, weights: {} };
  const weights: Record<string, HostTensor> = {};
  for (const [name, { shape }] of packed) weights[name] = await readLocated(located, name, shape);
  const others = [...located.places].filter(([name]) => weights[name] === undefined);
  return { places: { ...located, places: new Map(others) }, weights };
}
