import type { Batch } from '../data/dataset.ts';
import type { BatchSignature } from './objective.ts';

/** Types and shapes of a batch's tensors, for which a step is compiled. */
export function signatureOf(batch: Batch): BatchSignature {
  return Object.fromEntries(Object.entries(batch.tensors).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
}
