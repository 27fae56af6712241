import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { DataError } from '../../../core/index.ts';
import type { RawRow } from '../row.ts';
import { openFile } from './open-file.ts';
import { PARQUET_PROGRAM } from './parquet-program.ts';

const MEBI = 2 ** 20;
const MAX_FOOTER = 64 * MEBI;
const MAX_PAGE = 512 * MEBI;
/** Heap of the reading process; the bytes of pictures lie outside of it. */
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

/** A parquet file, read by a process with bounds on memory and time. After it has failed the next call starts another. */
export class ParquetReader {
  readonly path: string;
  readonly layout: ParquetLayout;
  readonly #seconds: number;
  #child: ChildProcess | undefined;
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
    const { child, layout } = await startChild(path);
    const reader = new ParquetReader(path, layout, seconds);
    reader.#adopt(child);
    return reader;
  }

  /**
   * Rows of some columns.
   * @param bytes that they have, by the layout
   * @throws DataError when they are damaged, or need more memory or time than is allowed
   */
  async rows(rowStart: number, rowEnd: number, columns: readonly string[], bytes: number): Promise<readonly RawRow[]> {
    if (this.#child === undefined) this.#adopt((await startChild(this.path)).child);
    const child = this.#child!;
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
      hold(child);
      child.send({ id, rowStart, rowEnd, columns });
    });
  }

  async close(): Promise<void> {
    this.#fail(`${this.path} was closed`);
  }

  #adopt(child: ChildProcess): void {
    this.#child = child;
    letGo(child);
    child.on('message', (message: unknown) => this.#receive(message));
    const failed = (problem: string): void => {
      if (this.#child === child) this.#fail(`${this.path}: ${problem}`);
    };
    child.on('error', (error) => failed(error.message));
    child.on('exit', (code, signal) => failed(ending(code, signal)));
  }

  #receive(message: unknown): void {
    const answer = answerSchema.parse(message);
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    clearTimeout(waiting.timer);
    if (this.#waiting.size === 0 && this.#child !== undefined) letGo(this.#child);
    if ('rows' in answer) waiting.resolve(answer.rows);
    else waiting.reject(damaged(`${this.path}: ${answer.problem}`));
  }

  /** Ends the process, and all that wait for it. */
  #fail(message: string): void {
    const [child, waiting] = [this.#child, this.#waiting];
    this.#child = undefined;
    this.#waiting = new Map();
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer);
      reject(damaged(message));
    }
    child?.kill('SIGKILL');
  }
}

async function startChild(path: string): Promise<{ child: ChildProcess; layout: ParquetLayout }> {
  const { resolve } = createRequire(import.meta.url);
  const given = {
    path,
    hyparquet: pathToFileURL(resolve('hyparquet')).href,
    fzstd: pathToFileURL(resolve('fzstd')).href,
    maxFooter: MAX_FOOTER,
    maxPage: MAX_PAGE,
  };
  const flags = [`--max-old-space-size=${MAX_HEAP_MIB}`, '--eval', PARQUET_PROGRAM, JSON.stringify(given)];
  const child = spawn(process.execPath, flags, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    // What this process was started with, such as a larger heap, is not for that one.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const first = await new Promise<unknown>((done, fail) => {
      const failed = (problem: string): void => fail(damaged(`${path}: ${problem}`));
      child.once('message', done);
      child.once('error', (error) => failed(error.message));
      child.once('exit', (code, signal) => failed(ending(code, signal)));
      timer = setTimeout(() => failed('it takes too long to open'), SECONDS * 1000);
    });
    const layout = layoutSchema.safeParse(first);
    if (layout.success) return { child, layout: layout.data };
    const problem = z.object({ problem: z.string() }).safeParse(first);
    throw damaged(`${path}: ${problem.success ? problem.data.problem : 'a layout that cannot be'}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Keeps this process alive while the other works. */
function hold(child: ChildProcess): void {
  child.ref();
  child.channel?.ref();
}

function letGo(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
}

/** Why a process that nobody ended has ended: out of memory the engine aborts. */
function ending(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === 'SIGABRT' || code === 134
    ? `its rows need more than ${MAX_HEAP_MIB} MiB`
    : `reading it ended with ${signal ?? `code ${code}`}`;
}

function damaged(message: string): DataError {
  return new DataError(message.slice(0, 500), 'it is damaged, or write it anew with smaller row groups');
}
