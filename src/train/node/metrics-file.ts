import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DataError } from '../../core/errors.ts';
import { syncFolder } from '../../core/node/files.ts';
import { formatMetrics, MAX_METRICS_LINE, parseMetrics, type MetricsRecord } from '../metrics.ts';

/**
 * Metrics of a run as JSON Lines. Each record goes to the operating system at once, so a killed process loses none; `sync`
 * before each checkpoint makes sure that after a power cut no record is missing that the checkpoint counts on.
 *
 * A trainer keeps one order: records of a step, `sync`, checkpoint of that step. Then `resume` with the checkpoint's
 * step gives a file that goes on as if the run had never stopped (times apart).
 */
export class MetricsFile {
  readonly path: string;
  readonly #file: FileHandle;
  #queue: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** A new, empty file. @throws DataError when it exists already: another run's metrics are not overwritten */
  static async create(path: string): Promise<MetricsFile> {
    try {
      const file = await open(path, 'ax');
      await syncFolder(dirname(path));
      return new MetricsFile(path, file);
    } catch (cause) {
      const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
      throw new DataError(
        exists ? `${path} exists already` : `${path} cannot be written: ${(cause as Error).message}`,
        exists ? 'continue that run with --resume, or choose another folder' : 'check the folder and its permissions',
        { cause },
      );
    }
  }

  /**
   * Opens the file of a run that goes on from a checkpoint and cuts off everything after it: records of later steps and
   * a last line that was only half written. A missing file is made anew.
   * @param step the checkpoint's step; records up to and including it stay
   * @throws DataError when a record that has to stay cannot be read; the file is then left as it is
   */
  static async resume(path: string, step: number): Promise<MetricsFile> {
    const file = await openFile(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND);
    try {
      let end = 0;
      for await (const line of completeLines(file, path)) {
        if (parseMetrics(line.text, line.where).step > step) break;
        end = line.end;
      }
      await file.truncate(end);
      await file.sync();
    } catch (error) {
      await file.close();
      throw error;
    }
    return new MetricsFile(path, file);
  }

  /** Appends one record; calls are written in their order. */
  append(record: MetricsRecord): Promise<void> {
    const line = formatMetrics(record);
    const written = this.#queue.then(() => this.#file.appendFile(line));
    // The caller hears of a failure; the records after it still have their turn.
    this.#queue = written.catch(() => undefined);
    return written;
  }

  /** Waits until all records are on the disk. */
  async sync(): Promise<void> {
    await this.#queue;
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#file.close();
  }
}

/**
 * All records of a file, one at a time. A last line with no line feed is one that is being written, or was when the
 * process died, and is left out.
 * @throws DataError naming the file and the line that is no record
 */
export async function* readMetrics(path: string): AsyncGenerator<MetricsRecord, void, undefined> {
  const file = await openFile(path, constants.O_RDONLY);
  try {
    for await (const line of completeLines(file, path)) yield parseMetrics(line.text, line.where);
  } finally {
    await file.close();
  }
}

async function openFile(path: string, flags: number): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for ever.
    file = await open(path, flags | (constants.O_NONBLOCK ?? 0), 0o666);
    if (!(await file.stat()).isFile()) throw new Error('it is not an ordinary file');
    return file;
  } catch (cause) {
    await file?.close();
    throw new DataError(`${path} cannot be opened: ${(cause as Error).message}`, 'check the path and its permissions', {
      cause,
    });
  }
}

interface Line {
  readonly text: string;
  readonly where: string;
  /** Offset of the byte after the line feed. */
  readonly end: number;
}

const LINE_FEED = 10;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Lines that end in a line feed. Memory stays bounded whatever the file holds. */
async function* completeLines(file: FileHandle, path: string): AsyncGenerator<Line, void, undefined> {
  const chunk = Buffer.allocUnsafe(MAX_METRICS_LINE);
  let rest = Buffer.alloc(0);
  let position = 0;
  let end = 0;
  let number = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    for (;;) {
      const length = rest.indexOf(LINE_FEED);
      if (length < 0) break;
      number++;
      end += length + 1;
      const where = `${path}:${number}`;
      yield { text: decode(rest.subarray(0, length), where), where, end };
      rest = rest.subarray(length + 1);
    }
    if (rest.length > MAX_METRICS_LINE) {
      throw new DataError(
        `${path}:${number + 1}: the line is longer than any record can be`,
        'this is not a file of metrics, or it was damaged: move it away',
      );
    }
  }
}

function decode(bytes: Uint8Array, where: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new DataError(`${where}: this is not UTF-8 text`, 'the file was damaged: move it away, or remove this line', {
      cause,
    });
  }
}
