import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { DataError } from '../../../core/index.ts';
import type { RawRow } from '../row.ts';
import { openFile } from './open-file.ts';
import { PARQUET_PROGRAM } from './parquet-program.ts';

const MEBI = 2 ** 20;
const MAX_FOOTER = 64 * MEBI;
const MAX_PAGE = 512 * MEBI;
/** Heap of the reading thread; the bytes of pictures lie outside of it. */
const MAX_HEAP_MIB = 512;
/** Time that reading may take: some, and more for what is large (8 MiB a second on the slowest disk). */
const SECONDS = 20;
const SECONDS_PER_BYTE = 1 / (8 * MEBI);

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const layoutSchema: z.ZodType<ParquetLayout> = z.object({
  columns: z.array(z.object({ name: z.string(), isPicture: z.boolean() })).max(100_000),
  groups: z.array(z.object({ rows: count, sizes: z.record(z.string(), count) })).max(10_000_000),
});
const answerSchema = z.union([
  z.object({ id: z.number(), rows: z.array(z.record(z.string(), z.unknown())) }),
  z.object({ id: z.number(), problem: z.string() }),
]);

/** Columns and row groups of a file. */
export interface ParquetLayout {
  readonly columns: readonly { readonly name: string; readonly isPicture: boolean }[];
  /** Rows, and the bytes of each column when unpacked. */
  readonly groups: readonly { readonly rows: number; readonly sizes: Readonly<Record<string, number>> }[];
}

interface Waiting {
  readonly resolve: (rows: readonly RawRow[]) => void;
  readonly reject: (error: DataError) => void;
  readonly timer: NodeJS.Timeout;
}

/** A parquet file, read by a thread with bounds on memory and time. After a failure of the thread the next call starts anew. */
export class ParquetReader {
  readonly path: string;
  readonly layout: ParquetLayout;
  readonly #seconds: number;
  #worker: Worker | undefined;
  #waiting = new Map<number, Waiting>();
  #next = 0;

  private constructor(path: string, layout: ParquetLayout, seconds: number) {
    this.path = path;
    this.layout = layout;
    this.#seconds = seconds;
  }

  /**
   * @param seconds that reading rows may take, beside what their size needs
   * @throws DataError when the file is missing, damaged or no parquet file
   */
  static async open(path: string, seconds: number = SECONDS): Promise<ParquetReader> {
    // Says what is wrong in the usual words, and refuses pipes.
    await (await openFile(path)).close();
    const { worker, layout } = await startWorker(path);
    const reader = new ParquetReader(path, layout, seconds);
    reader.#adopt(worker);
    return reader;
  }

  /**
   * Rows of some columns.
   * @param bytes that they have, by the layout
   * @throws DataError when they are damaged, or need more memory or time than is allowed
   */
  async rows(rowStart: number, rowEnd: number, columns: readonly string[], bytes: number): Promise<readonly RawRow[]> {
    if (this.#worker === undefined) this.#adopt((await startWorker(this.path)).worker);
    const worker = this.#worker!;
    const id = this.#next++;
    const seconds = this.#seconds + bytes * SECONDS_PER_BYTE;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#fail(
          `${this.path}: rows ${rowStart} to ${rowEnd - 1} take more than ${Math.ceil(seconds)} seconds to read`,
        );
      }, seconds * 1000);
      this.#waiting.set(id, { resolve, reject, timer });
      // Held while something is waited for, so that a process does not end in between.
      worker.ref();
      worker.postMessage({ id, rowStart, rowEnd, columns });
    });
  }

  async close(): Promise<void> {
    this.#fail(`${this.path} was closed`);
  }

  #adopt(worker: Worker): void {
    this.#worker = worker;
    worker.unref();
    worker.on('message', (message: unknown) => this.#receive(message));
    worker.on('error', (error) => {
      if (this.#worker === worker) this.#fail(`${this.path}: ${reason(error)}`);
    });
  }

  #receive(message: unknown): void {
    const answer = answerSchema.parse(message);
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    clearTimeout(waiting.timer);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('rows' in answer) waiting.resolve(answer.rows);
    else waiting.reject(damaged(`${this.path}: ${answer.problem}`));
  }

  /** Ends the thread, and all that wait for it. */
  #fail(message: string): void {
    const [worker, waiting] = [this.#worker, this.#waiting];
    this.#worker = undefined;
    this.#waiting = new Map();
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer);
      reject(damaged(message));
    }
    void worker?.terminate();
  }
}

async function startWorker(path: string): Promise<{ worker: Worker; layout: ParquetLayout }> {
  const { resolve } = createRequire(import.meta.url);
  const worker = new Worker(PARQUET_PROGRAM, {
    eval: true,
    name: 'parquet',
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
    workerData: {
      path,
      hyparquet: pathToFileURL(resolve('hyparquet')).href,
      fzstd: pathToFileURL(resolve('fzstd')).href,
      maxFooter: MAX_FOOTER,
      maxPage: MAX_PAGE,
    },
  });
  let timer: NodeJS.Timeout | undefined;
  let onError: (error: Error) => void = () => {};
  try {
    const first = await new Promise<unknown>((done, fail) => {
      onError = (error) => fail(damaged(`${path}: ${reason(error)}`));
      worker.once('message', done).once('error', onError);
      timer = setTimeout(() => fail(damaged(`${path} takes too long to open`)), SECONDS * 1000);
    });
    const layout = layoutSchema.safeParse(first);
    if (layout.success) return { worker, layout: layout.data };
    const problem = z.object({ problem: z.string() }).safeParse(first);
    throw damaged(`${path}: ${problem.success ? problem.data.problem : 'a layout that cannot be'}`);
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
    worker.off('error', onError);
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return `its rows need more than ${MAX_HEAP_MIB} MiB`;
  return error instanceof Error ? error.message : String(error);
}

function damaged(message: string): DataError {
  return new DataError(message.slice(0, 500), 'it is damaged, or write it anew with smaller row groups');
}
