import type { HostTensor } from '../core/index.ts';
import type { LoaderState } from '../data/loader.ts';
import type { LossWatchState } from './loss-watch.ts';
import type { StoppingState } from './stopping.ts';

/** Everything besides tensors that a run needs to go on as if it had never stopped. */
export interface TrainingState {
  /** Updates done. Random layers draw from seed and step, so these two are the random state. */
  readonly step: number;
  readonly seed: number;
  /** The next batch. */
  readonly data: LoaderState;
  /** Seconds of training so far. */
  readonly seconds: number;
  readonly watch: LossWatchState;
  /** What the run is, in words that are compared: a checkpoint continues no other run. */
  readonly identity: string;
  /** Which weights are trained and how quickly, as {@link describeGroups} writes it; absent where all are alike. */
  readonly groups?: string | undefined;
  /** Where the run is judged by its evaluations: the best one, and how long a better one has been waited for. */
  readonly stopping?: StoppingState | undefined;
}

/** A checkpoint that can be continued from. */
export interface SavedTraining {
  /** Where it lies, for messages. */
  readonly name: string;
  readonly state: TrainingState;
  readWeights(): Promise<ReadonlyMap<string, HostTensor>>;
  /** The optimizer's tensors, named `slot:weight`. */
  readOptimizer(): Promise<ReadonlyMap<string, HostTensor>>;
}

/** Keeps checkpoints somewhere. */
export interface CheckpointStore {
  /**
   * Saves, so that either all of it is there afterwards or nothing has changed.
   * @returns where it lies, for messages
   * @throws CheckpointError
   */
  save(
    state: TrainingState,
    weights: Readonly<Record<string, HostTensor>>,
    optimizer: Readonly<Record<string, HostTensor>>,
  ): Promise<string>;
  /** The checkpoint of a step; that of the best evaluation is kept. @throws CheckpointError when it is damaged */
  at?(step: number): Promise<SavedTraining | undefined>;
}
