import { type HostTensor, joinRows } from '../core/index.ts';

/** Runs a few items at a time. @returns the rows of all, in their order */
export async function inBatches<T>(
  items: readonly T[],
  size: number,
  run: (batch: readonly T[]) => Promise<HostTensor<'float32'>>,
): Promise<HostTensor<'float32'>> {
  const parts: HostTensor<'float32'>[] = [];
  for (let at = 0; at < items.length; at += size) parts.push(await run(items.slice(at, at + size)));
  return joinRows(parts);
}
