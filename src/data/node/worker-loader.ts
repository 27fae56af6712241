import { Worker } from 'node:worker_threads';

import { DataError } from '../../core/index.ts';
import {
  asDatasetModule,
  type Batch,
  type DatasetDescription,
  type DatasetModule,
  type ReportProgress,
} from '../dataset.ts';
import {
  batchError,
  BatchPlan,
  loadInThread,
  type LoadedBatch,
  type Loader,
  type LoaderOptions,
  type LoaderState,
} from '../loader.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './loader-protocol.ts';

export interface WorkerLoaderOptions extends LoaderOptions {
  /** Threads that make batches; 1 unless told, 0 makes them on the calling thread. The batches are the same for any number. */
  readonly workers?: number;
  /** Batches made ahead of the one in use; 2 for each worker unless told. They bound the memory that is held. */
  readonly ahead?: number;
  /** Told how the preparation goes (rendering, unpacking). */
  readonly report?: ReportProgress;
}

/** Sources that Node cannot run as they are, as under a test runner: then there is no worker to start. */
const FROM_SOURCE: boolean = import.meta.url.endsWith('.ts');

/**
 * Prepares a dataset, makes it in worker threads and hands out its batches, made ahead of their use and moved between threads
 * without a copy. Run from TypeScript sources it makes them on the calling thread instead, in the same order.
 * @throws DataError when the module or its dataset cannot be made
 */
export async function openLoader<B extends Batch = Batch>(
  description: DatasetDescription,
  options: WorkerLoaderOptions,
): Promise<Loader<B>> {
  const workers = options.workers ?? 1;
  const module = await importModule(description.module);
  const shared = await module.prepare?.(description.options, options.report);
  if (workers === 0 || FROM_SOURCE)
    return loadInThread(await module.create(description.options, shared), options) as Loader<B>;
  return WorkerLoader.start<B>({ module: description.module, options: description.options, shared }, workers, options);
}

async function importModule(url: string): Promise<DatasetModule> {
  let module: unknown;
  try {
    module = await import(url);
  } catch (cause) {
    throw new DataError(
      `the dataset module ${url} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      'check its URL',
      { cause },
    );
  }
  return asDatasetModule(module, url);
}

interface Order {
  readonly state: LoaderState;
  readonly promise: Promise<Batch>;
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: Error) => void;
}

class WorkerLoader<B extends Batch> implements Loader<B> {
  readonly #plan: BatchPlan;
  readonly #workers: readonly Worker[];
  readonly #ahead: number;
  /** Batches ordered and not yet handed out, by their number since the start. */
  readonly #orders = new Map<number, Order>();
  /** Batches ordered from each worker and not yet delivered. */
  readonly #load: number[];
  /** The next batch to hand out and the next to order. */
  #state: LoaderState;
  #handed = 0;
  #orderState: LoaderState;
  #ordered = 0;
  #failure: DataError | undefined;
  #closing: Promise<void> | undefined;

  static async start<B extends Batch>(
    setup: WorkerSetup,
    count: number,
    options: WorkerLoaderOptions,
  ): Promise<WorkerLoader<B>> {
    const url = new URL('./loader-worker.js', import.meta.url);
    const workers = Array.from({ length: count }, (_, i) => new Worker(url, { workerData: setup, name: `data ${i}` }));
    try {
      const lengths = await Promise.all(workers.map(ready));
      return new WorkerLoader<B>(workers, lengths[0]!, options);
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw error;
    }
  }

  constructor(workers: readonly Worker[], length: number, options: WorkerLoaderOptions) {
    this.#plan = new BatchPlan(length, options);
    this.#workers = workers;
    this.#ahead = Math.max(1, options.ahead ?? 2 * workers.length);
    this.#load = workers.map(() => 0);
    this.#state = this.#plan.start;
    this.#orderState = this.#state;
    for (const [i, worker] of workers.entries()) {
      worker.on('message', (message: FromWorker) => this.#receive(i, message));
      worker.on('error', (error) => this.#fail(`a data worker failed: ${error.message}`, error));
      worker.on('exit', (code) => {
        if (this.#closing === undefined) this.#fail(`a data worker ended early with code ${code}`);
      });
      // Batches made ahead shall not keep a finished process alive; next() holds it while it waits.
      worker.unref();
    }
    this.#order();
  }

  get batchesPerEpoch(): number {
    return this.#plan.batchesPerEpoch;
  }

  get state(): LoaderState {
    return this.#state;
  }

  async next(): Promise<LoadedBatch<B> | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined || this.#plan.ended(this.#state)) return undefined;
    const number = this.#handed;
    const position = this.#plan.position(this.#state);
    for (const worker of this.#workers) worker.ref();
    let batch: Batch;
    try {
      batch = await this.#orders.get(number)!.promise;
    } finally {
      for (const worker of this.#workers) worker.unref();
    }
    this.#orders.delete(number);
    this.#handed++;
    this.#state = this.#plan.after(this.#state);
    this.#order();
    return { batch: batch as B, position };
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const order of this.#orders.values()) order.reject(new DataError('the loader was closed'));
      this.#orders.clear();
      await Promise.all(this.#workers.map(finish));
    })();
    return this.#closing;
  }

  /** Orders batches, each from the worker with the least to do, until enough are under way. */
  #order(): void {
    while (this.#orders.size < this.#ahead && !this.#plan.ended(this.#orderState)) {
      const { promise, resolve, reject } = promiseParts<Batch>();
      promise.catch(() => undefined); // It is looked at when its turn comes.
      const id = this.#ordered++;
      this.#orders.set(id, { state: this.#orderState, promise, resolve, reject });
      const worker = this.#load.indexOf(Math.min(...this.#load));
      this.#load[worker]!++;
      const message: ToWorker = {
        kind: 'batch',
        id,
        position: this.#plan.position(this.#orderState),
        size: this.#plan.size(this.#orderState),
      };
      this.#workers[worker]!.postMessage(message);
      this.#orderState = this.#plan.after(this.#orderState);
    }
  }

  #receive(worker: number, message: FromWorker): void {
    if (message.kind === 'batch') {
      this.#load[worker]!--;
      this.#orders.get(message.id)?.resolve(message.batch);
    } else if (message.kind === 'failure') {
      if (message.id === undefined) return this.#fail(message.message);
      this.#load[worker]!--;
      const order = this.#orders.get(message.id);
      order?.reject(batchError(this.#plan.position(order.state), this.#plan.size(order.state), message.message));
    }
  }

  #fail(message: string, cause?: unknown): void {
    this.#failure ??= new DataError(message, undefined, { cause });
    for (const order of this.#orders.values()) order.reject(this.#failure);
  }
}

/** The length of the worker's dataset once it is made. */
function ready(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      act();
    };
    const onMessage = (message: FromWorker): void => {
      if (message.kind === 'ready') settle(() => resolve(message.length));
      else if (message.kind === 'failure') settle(() => reject(new DataError(message.message)));
    };
    const onError = (cause: Error): void =>
      settle(() => reject(new DataError(`a data worker failed: ${cause.message}`, undefined, { cause })));
    const onExit = (code: number): void =>
      settle(() => reject(new DataError(`a data worker ended early with code ${code}`)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

/** Lets a worker close its dataset, and ends it after two seconds if it does not. */
async function finish(worker: Worker): Promise<void> {
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  if (worker.threadId < 0) return;
  worker.ref();
  worker.postMessage({ kind: 'close' } satisfies ToWorker);
  const timer = setTimeout(() => void worker.terminate(), 2000);
  await exited;
  clearTimeout(timer);
}

function promiseParts<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
