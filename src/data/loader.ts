import { DataError } from '../core/index.ts';
import type { Batch, Dataset, Position } from './dataset.ts';

/** The next batch that a loader will hand out. Nothing else needs saving to go on exactly. */
export interface LoaderState {
  readonly epoch: number;
  /** Batch within the pass, from 0. */
  readonly batch: number;
}

export interface LoaderOptions {
  readonly seed: number;
  /** Samples in a batch. */
  readonly batchSize: number;
  /** Passes over the dataset; without end unless told. */
  readonly epochs?: number;
  /** Leave out the last batch of a pass when it is smaller than the others, as training with fixed shapes needs; true unless told. */
  readonly dropLast?: boolean;
  /** Where to begin; the start of pass 0 unless told. */
  readonly start?: LoaderState;
}

export interface LoadedBatch<B extends Batch = Batch> {
  readonly batch: B;
  readonly position: Position;
}

/** Hands out batches in an order that depends on seed, batch size and dataset alone, not on who makes them. */
export interface Loader<B extends Batch = Batch> {
  /** Batches in one pass. */
  readonly batchesPerEpoch: number;
  /** To be saved with a checkpoint and given as {@link LoaderOptions.start}. */
  readonly state: LoaderState;
  /** The next batch, or nothing after the last pass. One call at a time. @throws DataError naming the sample at fault */
  next(): Promise<LoadedBatch<B> | undefined>;
  /** Ends workers and closes the dataset; safe to call twice. A loader that is not closed may keep the process alive. */
  close(): Promise<void>;
}

/** Number of batches, and where each one lies. */
export class BatchPlan {
  readonly batchesPerEpoch: number;
  readonly #length: number;
  readonly #options: LoaderOptions;

  /** @throws DataError for sizes that leave no batch, or a start outside the passes */
  constructor(length: number, options: LoaderOptions) {
    const { batchSize, dropLast = true, epochs = Number.POSITIVE_INFINITY, start = { epoch: 0, batch: 0 } } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new DataError(`a batch size of ${batchSize} is impossible`, 'give a whole number from 1 up');
    this.batchesPerEpoch = dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize);
    if (this.batchesPerEpoch === 0)
      throw new DataError(
        `the dataset holds ${length} samples, fewer than one batch of ${batchSize}`,
        'lower the batch size',
      );
    if (start.batch < 0 || start.batch >= this.batchesPerEpoch || start.epoch < 0 || start.epoch > epochs) {
      throw new DataError(
        `the loader cannot start at batch ${start.batch} of pass ${start.epoch}: there are ${this.batchesPerEpoch} batches a pass`,
        'resume with the batch size and the data of the checkpoint',
      );
    }
    this.#length = length;
    this.#options = options;
  }

  get start(): LoaderState {
    return this.#options.start ?? { epoch: 0, batch: 0 };
  }

  /** The state after `state`. */
  after(state: LoaderState): LoaderState {
    return state.batch + 1 < this.batchesPerEpoch
      ? { epoch: state.epoch, batch: state.batch + 1 }
      : { epoch: state.epoch + 1, batch: 0 };
  }

  /** Whether all passes are over. */
  ended(state: LoaderState): boolean {
    return state.epoch >= (this.#options.epochs ?? Number.POSITIVE_INFINITY);
  }

  position(state: LoaderState): Position {
    return { seed: this.#options.seed, epoch: state.epoch, index: state.batch * this.#options.batchSize };
  }

  size(state: LoaderState): number {
    return Math.min(this.#options.batchSize, this.#length - state.batch * this.#options.batchSize);
  }
}

/** Makes each batch when it is asked for, on the calling thread: for tests, small data and browsers. */
export function loadInThread<B extends Batch>(dataset: Dataset<B>, options: LoaderOptions): Loader<B> {
  const plan = new BatchPlan(dataset.length, options);
  let state = plan.start;
  let closed = false;
  return {
    batchesPerEpoch: plan.batchesPerEpoch,
    get state() {
      return state;
    },
    async next() {
      if (closed || plan.ended(state)) return undefined;
      const position = plan.position(state);
      let batch: B;
      try {
        batch = await dataset.batch(position, plan.size(state));
      } catch (cause) {
        throw batchError(position, plan.size(state), cause instanceof Error ? cause.message : String(cause), cause);
      }
      state = plan.after(state);
      return { batch, position };
    },
    async close() {
      if (closed) return;
      closed = true;
      await dataset.close?.();
    },
  };
}

/** An error of a dataset with the place where it happened. */
export function batchError(position: Position, size: number, message: string, cause?: unknown): DataError {
  return new DataError(
    `samples ${position.index} to ${position.index + size - 1} of pass ${position.epoch}: ${message}`,
    undefined,
    { cause },
  );
}
