import { inBlock, type Tensor } from '../graph/index.ts';

/**
 * What is computed again in the backward pass rather than kept: nothing, the maps of attention, or all that is inside of
 * layers. Each takes less memory and more time than the one before.
 */
export type Recompute = 'nothing' | 'attention' | 'layers';

/** While a training graph is traced: where random layers get their numbers from. */
interface TrainingMode {
  readonly seed: Tensor;
  readonly recompute: Recompute;
  nextSite: number;
}

let current: TrainingMode | undefined;

/**
 * Traces `body` in training mode, in which dropout drops.
 * @param seed scalar int32 that changes with every step
 */
export function inTraining<T>(seed: Tensor, body: () => T, recompute: Recompute = 'nothing'): T {
  const saved = current;
  current = { seed, recompute, nextSite: 0 };
  try {
    return body();
  } finally {
    current = saved;
  }
}

/**
 * Traces a part of a model that may be computed again in the backward pass (Chen et al. 2016, arXiv 1604.06174).
 * @param part what kind of part it is  @param inputs tensors that are kept in any case
 */
export function recomputable(part: 'attention' | 'layer', inputs: readonly Tensor[], body: () => Tensor): Tensor {
  const recompute = current?.recompute ?? 'nothing';
  const chosen = recompute === (part === 'layer' ? 'layers' : 'attention');
  return chosen ? inBlock({ inputs }, body) : body();
}

/** The seed of the step and a number for this place in the model; nothing outside of training. */
export function randomSite(): { seed: Tensor; site: number } | undefined {
  return current === undefined ? undefined : { seed: current.seed, site: current.nextSite++ };
}
