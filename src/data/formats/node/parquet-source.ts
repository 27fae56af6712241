/** Parquet files as Hugging Face's datasets has them, with pictures as `{ bytes, path }`. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError } from '../../../core/index.ts';
import { concatenated, openTogether } from '../../sources/parts.ts';
import { blockOf, type BlockedSource } from '../blocks.ts';
import { ANSWER_COLUMNS, CAPTION_COLUMNS, type ColumnOptions, QUESTION_COLUMNS } from '../column-row.ts';
import type { SourceDescription } from '../description.ts';
import { detectForm, parseRow } from '../parse-row.ts';
import { pictureReferences } from '../picture-reference.ts';
import { atPlace, type RawRow } from '../row.ts';
import { type ParquetLayout, ParquetReader } from './parquet-reader.ts';
import { PictureFolder } from './pictures.ts';
import { columnOptions, drawsOf, rowSample } from './row-sample.ts';
import { walkFolder } from './walk.ts';

/** Largest row group, unpacked. */
const MAX_GROUP = 2 ** 30;
/** Row groups that are kept, by the bytes of their pictures. */
const KEPT_BYTES = 2 ** 28;

/** @throws DataError when a file is damaged, a row group too large, or nothing in it can be learned */
export async function openParquetSource(description: SourceDescription): Promise<BlockedSource> {
  const { path } = description;
  const found = await stat(path).catch(() => undefined);
  const files =
    found?.isDirectory() === true
      ? (await walkFolder(path)).filter((file) => /\.parquet$/i.test(file)).map((file) => join(path, file))
      : [path];
  return openTogether(files, (file) => openOne({ ...description, path: file }), concatenated);
}

async function openOne(description: SourceDescription): Promise<BlockedSource> {
  const { path, images = dirname(path), allowFetch = false } = description;
  const folder = await PictureFolder.open(images, { allowFetch });
  const reader = await ParquetReader.open(path);
  try {
    const { groups } = reader.layout;
    const options = columnOptions(description);
    const columns = named(path, () => usedColumns(reader.layout, options));
    const starts: number[] = [];
    const weights: number[] = [];
    let length = 0;
    for (const [i, { rows, sizes }] of groups.entries()) {
      const bytes = columns.reduce((sum, name) => sum + (sizes[name] ?? 0), 0);
      if (bytes > MAX_GROUP)
        throw new DataError(
          `${path}: row group ${i} has ${bytes} bytes, more than ${MAX_GROUP}`,
          'write it anew with smaller row groups (row_group_size=100)',
        );
      if (rows > 0) weights[starts.push(length) - 1] = bytes;
      length += rows;
    }
    if (length === 0) throw new DataError(`${path} holds no samples`, 'give a file with at least one');
    const cache = new GroupCache(async (block) =>
      reader.rows(starts[block]!, starts[block + 1] ?? length, columns, weights[block]!),
    );
    const image = options.columns?.image ?? pictureColumn(reader.layout);
    const [first] = await cache.rows(0);
    const form = named(path, () => detectForm(first, options));
    return {
      length,
      blocks: starts,
      async sample(index, moment) {
        const place = `${path} row ${index}`;
        const block = blockOf(starts, index);
        const row = (await cache.rows(block))[index - starts[block]!];
        try {
          if (row === undefined) throw new DataError('it is missing', 'the file is damaged');
          const pictures = image === undefined ? undefined : pictureReferences(row, image);
          return rowSample(parseRow(row, form, options, drawsOf(moment, index), pictures), folder, place);
        } catch (error) {
          throw atPlace(place, error);
        }
      },
      close: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** Runs something, and names the file where it fails. */
function named<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw atPlace(path, error);
  }
}

/** The column of pictures where its name is not a usual one. */
function pictureColumn({ columns }: ParquetLayout): string | undefined {
  if (columns.some(({ name }) => name === 'images' || name === 'image')) return undefined;
  return columns.find(({ isPicture }) => isPicture)?.name;
}

/** Columns that say something whatever they hold; film and sound as well, so that rows that need them are refused. */
const USED_COLUMNS = [
  'id', 'question_id', 'sample_id', 'image', 'images', 'conversations', 'messages', 'texts', 'system', 'video', 'videos',
  'audio', 'audios',
]; // prettier-ignore

/** Columns that are read; all others, such as embeddings, stay where they are. */
function usedColumns(layout: ParquetLayout, options: ColumnOptions): string[] {
  const used = new Set([
    ...USED_COLUMNS,
    ...QUESTION_COLUMNS,
    ...ANSWER_COLUMNS,
    ...CAPTION_COLUMNS,
    ...Object.values(options.columns ?? {}),
    pictureColumn(layout),
  ]);
  const names = layout.columns.map(({ name }) => name);
  const missing = Object.values(options.columns ?? {}).find((name: string) => !names.includes(name));
  if (missing !== undefined)
    throw new DataError(`there is no column ${missing}`, `the columns are ${names.slice(0, 30).join(', ')}`);
  const columns = names.filter((name) => used.has(name));
  if (columns.length === 0)
    throw new DataError(
      `the columns ${names.slice(0, 30).join(', ')} say nothing that can be learned`,
      'name them by --image, --question, --answer, --caption',
    );
  return columns;
}

/** The latest row groups, so that neighbours are unpacked once. */
class GroupCache {
  readonly #read: (block: number) => Promise<readonly RawRow[]>;
  readonly #kept = new Map<number, { readonly rows: Promise<readonly RawRow[]>; bytes: number }>();

  constructor(read: (block: number) => Promise<readonly RawRow[]>) {
    this.#read = read;
  }

  async rows(block: number): Promise<readonly RawRow[]> {
    const kept = this.#kept.get(block);
    if (kept !== undefined) {
      // The order of a map is that of its insertions: the latest comes last.
      this.#kept.delete(block);
      this.#kept.set(block, kept);
      return kept.rows;
    }
    const fresh = { rows: this.#read(block), bytes: 0 };
    this.#kept.set(block, fresh);
    try {
      const rows = await fresh.rows;
      fresh.bytes = sizeOf(rows);
      this.#shrink();
      return rows;
    } catch (error) {
      this.#kept.delete(block);
      throw error;
    }
  }

  #shrink(): void {
    let total = 0;
    for (const { bytes } of this.#kept.values()) total += bytes;
    for (const [block, { bytes }] of this.#kept) {
      if (total <= KEPT_BYTES || this.#kept.size === 1) return;
      this.#kept.delete(block);
      total -= bytes;
    }
  }
}

/** Bytes of memory behind rows, roughly; pictures of a page share one buffer. */
function sizeOf(rows: readonly RawRow[]): number {
  const buffers = new Set<ArrayBufferLike>();
  let letters = 0;
  const visit = (value: unknown): void => {
    if (value instanceof Uint8Array) buffers.add(value.buffer);
    else if (typeof value === 'string') letters += 2 * value.length;
    else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) visit(each);
  };
  visit(rows);
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, letters);
}
