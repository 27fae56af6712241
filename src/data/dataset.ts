import { DataError, Random, type HostTensor } from '../core/index.ts';

/** Where a batch begins. With the seed it says everything: a loader has no other state to save. */
export interface Position {
  /** Seed of the run. */
  readonly seed: number;
  /** Pass over the dataset, from 0. */
  readonly epoch: number;
  /** First sample of the batch within the pass, from 0, in the order that the dataset gives to this pass. */
  readonly index: number;
}

/** Samples stacked: what one step takes. */
export interface Batch {
  /** Inputs by name; each tensor owns its whole buffer, so that it can be moved between threads without a copy. */
  readonly tensors: Readonly<Record<string, HostTensor>>;
  /** One name per sample, to find it again in an error or a report. */
  readonly ids: readonly string[];
}

/**
 * A source of batches. `batch` is pure: equal positions and sizes give equal batches, in any process, in any order of
 * calls. That is what makes shuffling, several workers and an exact resume agree.
 */
export interface Dataset<B extends Batch = Batch> {
  /** Samples in one pass. */
  readonly length: number;
  /**
   * Samples `index` to `index + size` of the pass (fewer at its end).
   * @throws DataError naming the sample that cannot be read
   */
  batch(position: Position, size: number): B | Promise<B>;
  /** Closes files and the like. */
  close?(): void | Promise<void>;
}

/** How far a preparation has come: `done` of `total` pieces of `what`. */
export type ReportProgress = (done: number, total: number, what: string) => void;

/**
 * What a module must export so that its dataset can be made in a worker. `Options` and `Shared` must survive
 * structuredClone; put what is large into a SharedArrayBuffer, and all workers see one copy.
 */
export interface DatasetModule<Options = unknown, Shared = unknown> {
  /** Runs once on the calling thread before any worker starts: fills caches, loads what all workers share. */
  prepare?(options: Options, report?: ReportProgress): Promise<Shared>;
  /** Makes the dataset; called once in each worker with what `prepare` gave. */
  create(options: Options, shared: Shared): Dataset | Promise<Dataset>;
}

/** A dataset that has not been made yet: plain data, so that it can be sent to a worker. */
export interface DatasetDescription {
  /** URL of a module with the exports of {@link DatasetModule}, e.g. `new URL('./mine.ts', import.meta.url).href`. */
  readonly module: string;
  readonly options: unknown;
}

/** Checks that a loaded module has what {@link DatasetModule} asks for. @throws DataError */
export function asDatasetModule(module: unknown, url: string): DatasetModule {
  const candidate = module as Partial<DatasetModule> | null;
  if (typeof candidate !== 'object' || candidate === null || typeof candidate.create !== 'function') {
    throw new DataError(
      `${url} is not a dataset module: it exports no function 'create'`,
      'export create(options, shared) that returns a Dataset',
    );
  }
  return candidate as DatasetModule;
}

let lastOrder: { key: string; order: Uint32Array } | undefined;

/**
 * The order of one pass: a permutation of 0 … length − 1 that depends on seed and epoch alone.
 * The latest one is kept, since consecutive batches ask for the same. Do not write to it.
 */
export function shuffledOrder(length: number, seed: number, epoch: number): Uint32Array {
  const key = `${length}/${seed}/${epoch}`;
  if (lastOrder?.key !== key) {
    const order = Uint32Array.from({ length }, (_, i) => i);
    lastOrder = { key, order: new Random(seed).fork(`order ${epoch}`).shuffle(order) };
  }
  return lastOrder.order;
}

/** Random numbers for one sample: independent of every other sample and of the order of calls. */
export function sampleRandom(seed: number, epoch: number, index: number): Random {
  // Three words mixed by multiplications with odd constants, then through the generator's own seeding.
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul((hash ^ (hash >>> 15) ^ epoch) + 0x7f4a7c15, 0xc2b2ae35);
  hash = Math.imul((hash ^ (hash >>> 13) ^ index) + 0x165667b1, 0x27d4eb2f);
  return new Random(hash ^ (hash >>> 16));
}
