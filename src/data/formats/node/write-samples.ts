import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../../core/index.ts';
import type { ReportProgress } from '../../dataset.ts';
import { writeNewFolder } from '../../node/new-folder.ts';
import type { Sample, SampleSource } from '../../samples.ts';
import type { StoredPicture } from '../blocks.ts';
import { TAR_BLOCK, tarHeader } from '../tar.ts';
import { type NamedConversation, writeRow, type WrittenFormat } from '../write-row.ts';
import { type PictureFile, pictureFile } from './picture-file.ts';

export interface WriteSamplesOptions {
  readonly format: WrittenFormat;
  /** Which samples, in this order; all unless told. */
  readonly samples?: readonly number[];
  /** What a sample that cannot be read does; ends the writing unless told. */
  readonly onBadSample?: 'stop' | 'skip';
  readonly seed?: number;
  readonly report?: ReportProgress;
}

export interface WrittenSamples {
  /** Conversations written; a row each. */
  readonly rows: number;
  readonly pictures: number;
  readonly skipped: number;
  /** What the first of those said. */
  readonly reasons: readonly string[];
}

/** Samples in an archive: at about 100 KB each that makes shards of about 100 MB. */
const SHARD_SAMPLES = 1000;

/**
 * Writes samples into a new folder, pictures included: those that were files of a usual kind are copied as they are, all others
 * become PNG. A folder has each of them once, archives with every sample that shows it. Each is decoded before it is written, so
 * that no damaged one gets in.
 * @throws DataError when the folder is not empty, or a sample cannot be read or has no room in the format
 */
export async function writeSamples(
  source: SampleSource,
  path: string,
  options: WriteSamplesOptions,
): Promise<WrittenSamples> {
  const { format, samples, onBadSample = 'stop', seed = 0, report } = options;
  const total = samples?.length ?? source.length;
  return writeNewFolder(path, async (folder) => {
    const writer = format === 'webdataset' ? new ShardWriter(folder) : new RowWriter(folder, format);
    let [rows, skipped] = [0, 0];
    const reasons: string[] = [];
    try {
      for (let done = 0; done < total; done++) {
        try {
          const sample = await source.sample(samples?.[done] ?? done, { seed, epoch: 0 });
          rows += await writer.add(sample, await filesOf(sample));
        } catch (error) {
          if (onBadSample === 'stop' || !(error instanceof DataError)) throw error;
          skipped++;
          if (reasons.length < 10) reasons.push(error.message);
        }
        report?.(done + 1, total, 'samples');
      }
      if (rows === 0) throw new DataError('no sample could be written', reasons[0]);
      await writer.end();
    } finally {
      await writer.close();
    }
    return { rows, pictures: writer.pictures, skipped, reasons };
  });
}

async function filesOf({ pictures }: Sample): Promise<PictureFile[]> {
  const files: PictureFile[] = [];
  for (const each of pictures as readonly StoredPicture[]) files.push(await pictureFile(each, await each.open()));
  return files;
}

/** Conversations of a sample as rows; of several each gets a number. */
function conversationsOf({ id, conversations }: Sample, pictures: readonly string[]): NamedConversation[] {
  return conversations.map((turns, i) => ({ id: conversations.length === 1 ? id : `${id}-${i}`, pictures, turns }));
}

/** Pictures in a folder and rows in a file beside them. */
class RowWriter {
  readonly #folder: string;
  readonly #format: WrittenFormat;
  readonly #known = new Set<string>();
  #file: FileHandle | undefined;
  #isFirst = true;

  constructor(folder: string, format: WrittenFormat) {
    this.#folder = folder;
    this.#format = format;
  }

  get pictures(): number {
    return this.#known.size;
  }

  async add(sample: Sample, files: readonly PictureFile[]): Promise<number> {
    const names = files.map(({ name, extension }) => `images/${name.slice(0, 2)}/${name}.${extension}`);
    const rows = conversationsOf(sample, names).map((each) => JSON.stringify(writeRow(this.#format, each)));
    for (const [i, name] of names.entries()) {
      if (this.#known.has(name)) continue;
      await mkdir(join(this.#folder, name, '..'), { recursive: true });
      await writeFile(join(this.#folder, name), files[i]!.bytes);
      this.#known.add(name);
    }
    const isList = this.#format === 'llava';
    for (const row of rows) {
      await this.#write(isList ? `${this.#isFirst ? '[\n' : ',\n'}${row}` : `${row}\n`);
      this.#isFirst = false;
    }
    return rows.length;
  }

  async end(): Promise<void> {
    if (this.#format === 'llava') await this.#write('\n]\n');
    await this.#file?.sync();
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #write(text: string): Promise<void> {
    const name =
      this.#format === 'llava' ? 'data.json' : this.#format === 'imagefolder' ? 'metadata.jsonl' : 'data.jsonl';
    this.#file ??= await open(join(this.#folder, name), 'wx');
    await this.#file.writeFile(text);
  }
}

/** Tar archives with a thousand samples each. */
class ShardWriter {
  readonly #folder: string;
  #file: FileHandle | undefined;
  #samples = 0;
  pictures = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async add(sample: Sample, files: readonly PictureFile[]): Promise<number> {
    let rows = 0;
    for (const conversation of conversationsOf(
      sample,
      files.map(({ name }) => name),
    )) {
      if (this.#samples % SHARD_SAMPLES === 0) await this.#next();
      const key = String(this.#samples++).padStart(9, '0');
      const { image: _, ...row } = writeRow('webdataset', conversation);
      // Pictures are stored in the order in which they are spoken of, and as often.
      const shown = conversation.turns.flatMap(({ content }) =>
        content.flatMap((part) => (part.type === 'image' ? [files[part.picture]!] : [])),
      );
      for (const [i, { bytes, extension }] of shown.entries())
        await this.#put(`${key}.${shown.length === 1 ? '' : `${i}.`}${extension}`, bytes);
      await this.#put(`${key}.json`, Buffer.from(JSON.stringify(row)));
      this.pictures += shown.length;
      rows++;
    }
    return rows;
  }

  async end(): Promise<void> {
    await this.#file?.writeFile(new Uint8Array(2 * TAR_BLOCK));
    await this.#file?.sync();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #next(): Promise<void> {
    await this.end();
    await this.close();
    const number = String(this.#samples / SHARD_SAMPLES).padStart(6, '0');
    this.#file = await open(join(this.#folder, `data-${number}.tar`), 'wx');
  }

  async #put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#file!.writeFile(tarHeader(name, bytes.length));
    await this.#file!.writeFile(bytes);
    await this.#file!.writeFile(new Uint8Array((TAR_BLOCK - (bytes.length % TAR_BLOCK)) % TAR_BLOCK));
  }
}
