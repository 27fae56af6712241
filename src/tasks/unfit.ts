import type { LoadedModel } from '../auto/index.ts';
import { CheckpointError } from '../core/index.ts';

/** A model that was made for something else. @param what the model cannot do  @param others models that can */
export function unfit(model: LoadedModel, what: string, others: string): CheckpointError {
  return new CheckpointError(`${model.name} does not ${what}`, `load a model that does: ${others}`);
}
