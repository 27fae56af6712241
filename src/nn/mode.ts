import type { Tensor } from '../graph/index.ts';

/** While a training graph is traced: where random layers get their numbers from. */
interface TrainingMode {
  readonly seed: Tensor;
  nextSite: number;
}

let current: TrainingMode | undefined;

/**
 * Traces `body` in training mode, in which dropout drops.
 * @param seed scalar int32 that changes with every step
 */
export function inTraining<T>(seed: Tensor, body: () => T): T {
  const saved = current;
  current = { seed, nextSite: 0 };
  try {
    return body();
  } finally {
    current = saved;
  }
}

/** The seed of the step and a number for this place in the model; nothing outside of training. */
export function randomSite(): { seed: Tensor; site: number } | undefined {
  return current === undefined ? undefined : { seed: current.seed, site: current.nextSite++ };
}
