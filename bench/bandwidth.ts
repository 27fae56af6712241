/** How fast memory is read: the bound of decoding, which reads every weight for every token. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type BenchOptions, type Figure, median } from './types.ts';

export const description = 'How fast memory is read by a number of threads at once';

/** Far more than a processor's caches hold. */
const BYTES = 512 * 2 ** 20;

export async function* run(options: BenchOptions): AsyncGenerator<Figure> {
  const reader = await MemoryReader.start(options.threads);
  const rates: number[] = [];
  for (let round = 0; round < options.rounds; round++) rates.push(await reader.bytesPerSecond());
  await reader.stop();
  yield { name: `memory, ${options.threads} threads reading`, value: median(rates) / 1e9, unit: 'GB/s' };
}

/** Threads that read memory of their own, all at once. */
export class MemoryReader {
  readonly #workers: readonly Worker[];
  readonly #bytes: number;

  private constructor(workers: readonly Worker[], bytes: number) {
    this.#workers = workers;
    this.#bytes = bytes;
  }

  static async start(threads: number): Promise<MemoryReader> {
    const bytes = Math.floor(BYTES / threads / 2 ** 16) * 2 ** 16;
    const file = fileURLToPath(new URL('./bandwidth-worker.js', import.meta.url));
    const workers = Array.from({ length: threads }, () => new Worker(file, { workerData: { bytes } }));
    const reader = new MemoryReader(workers, bytes * threads);
    await Promise.all(workers.map(answered));
    return reader;
  }

  /** Reads all of it once. */
  async bytesPerSecond(): Promise<number> {
    const start = performance.now();
    const done = this.#workers.map(answered);
    for (const worker of this.#workers) worker.postMessage('read');
    await Promise.all(done);
    return this.#bytes / ((performance.now() - start) / 1000);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function answered(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => reject(error as Error);
    worker.once('error', failed);
    worker.once('message', () => {
      worker.off('error', failed);
      resolve();
    });
  });
}
