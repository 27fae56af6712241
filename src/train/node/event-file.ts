import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../core/errors.ts';
import type { MetricsRecord } from '../metrics.ts';
import { metricsEvent, versionEvent } from '../tensorboard.ts';

/** As TensorBoard recognises its files. */
const NAME = /^events\.out\.tfevents\.\d+\.sensorium$/;

/**
 * The metrics of a run as an event file for TensorBoard (`tensorboard --logdir FOLDER`). It repeats what the file of metrics
 * says and is written anew from it when a run goes on, so nothing of a course that was left stays in it.
 */
export class EventFile {
  readonly path: string;
  readonly #file: FileHandle;
  /** When a run of this length would have begun, in seconds since 1970. */
  readonly #origin: number;
  #queue: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle, origin: number) {
    this.path = path;
    this.#file = file;
    this.#origin = origin;
  }

  /**
   * @param folder is made where it is missing; event files of earlier processes of the run are replaced
   * @param records those of the run so far
   * @param now seconds since 1970
   * @throws DataError when it cannot be written
   */
  static async create(
    folder: string,
    records: AsyncIterable<MetricsRecord>,
    now: number = Date.now() / 1000,
  ): Promise<EventFile> {
    const earlier: MetricsRecord[] = [];
    for await (const record of records) earlier.push(record);
    const origin = now - (earlier.at(-1)?.seconds ?? 0);
    const path = join(folder, `events.out.tfevents.${Math.floor(now)}.sensorium`);
    let file: FileHandle;
    try {
      await mkdir(folder, { recursive: true });
      for (const name of await readdir(folder)) if (NAME.test(name)) await rm(join(folder, name));
      file = await open(path, 'ax');
    } catch (cause) {
      const hint = 'check the folder and its permissions';
      throw new DataError(`${path} cannot be written: ${(cause as Error).message}`, hint, { cause });
    }
    const made = new EventFile(path, file, origin);
    await made.#write([
      versionEvent(origin),
      ...earlier.map((record) => metricsEvent(record, origin + record.seconds)),
    ]);
    return made;
  }

  /** Appends one record; calls are written in their order. */
  append(record: MetricsRecord): Promise<void> {
    return this.#write([metricsEvent(record, this.#origin + record.seconds)]);
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#file.close();
  }

  #write(events: readonly Uint8Array[]): Promise<void> {
    const written = this.#queue.then(() => this.#file.appendFile(Buffer.concat(events)));
    this.#queue = written.catch(() => undefined);
    return written;
  }
}
