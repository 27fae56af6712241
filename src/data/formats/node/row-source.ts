/** Samples of a file whose rows can be read one by one. */
import { dirname } from 'node:path';
import { DataError } from '../../../core/index.ts';
import type { BlockedSource } from '../blocks.ts';
import type { SourceDescription } from '../description.ts';
import { detectForm, parseRow } from '../parse-row.ts';
import { atPlace } from '../row.ts';
import { PictureFolder } from './pictures.ts';
import { columnOptions, drawsOf, rowSample } from './row-sample.ts';

/** Rows, wherever they stand. */
export interface Rows {
  readonly length: number;
  /** @throws DataError naming file and line */
  read(index: number): Promise<unknown>;
  /** `file:line` of a row, for errors. */
  place(index: number): Promise<string>;
  close?(): Promise<void>;
}

/** What a kind of files has of its own. */
export interface RowNaming {
  /** How a sample is called whose row has neither a name nor a file. */
  name(index: number): string;
  /** Files of the pictures; undefined where the row names them as rows usually do. @throws DataError */
  files?(row: unknown): readonly string[] | undefined;
}

/**
 * Samples of rows, which are closed with them, or at once where they cannot be read.
 * @param description its `path` is the file's; pictures are beside it unless told
 * @throws DataError naming file and line when there is no row, or the first one is of no known form
 */
export async function openRows(rows: Rows, description: SourceDescription, naming: RowNaming): Promise<BlockedSource> {
  const { path, images = dirname(path), allowFetch = false } = description;
  try {
    if (rows.length === 0) throw new DataError(`${path} holds no samples`, 'give a file with at least one');
    const folder = await PictureFolder.open(images, { allowFetch });
    const options = columnOptions(description);
    const first = await rows.read(0);
    const form = await atRow(rows, 0, () => detectForm(first, options));
    return {
      length: rows.length,
      async sample(index, moment) {
        const value = await rows.read(index);
        return atRow(rows, index, () => {
          const files = naming.files?.(value);
          const row = parseRow(value, form, options, drawsOf(moment, index), files);
          return rowSample(row, folder, files?.[0] ?? naming.name(index));
        });
      },
      close: () => rows.close?.(),
    };
  } catch (error) {
    await rows.close?.();
    throw error;
  }
}

/** Runs something, and names the row where it fails. */
async function atRow<T>(rows: Rows, index: number, run: () => T): Promise<T> {
  try {
    return run();
  } catch (error) {
    throw atPlace(await rows.place(index), error);
  }
}
