/** LLaVA, ShareGPT and OpenAI conversations, and columns, in JSON and JSON Lines. */
import { dirname } from 'node:path';
import { DataError } from '../../../core/index.ts';
import type { BlockedSource } from '../blocks.ts';
import type { SourceDescription } from '../description.ts';
import { detectForm, parseRow } from '../parse-row.ts';
import { atPlace } from '../row.ts';
import { JsonRecords } from './json-records.ts';
import { PictureFolder } from './pictures.ts';
import { columnOptions, drawsOf, rowSample } from './row-sample.ts';

/** @throws DataError naming file and line when its first row is of no known form */
export async function openJsonSource(description: SourceDescription): Promise<BlockedSource> {
  const { path, images = dirname(path), allowFetch = false } = description;
  const records = await JsonRecords.open(path);
  try {
    if (records.length === 0) throw new DataError(`${path} holds no samples`, 'give a file with at least one');
    const folder = await PictureFolder.open(images, { allowFetch });
    const options = columnOptions(description);
    const first = await records.read(0);
    const form = await attempt(
      () => detectForm(first, options),
      () => records.place(0),
    );
    return {
      length: records.length,
      async sample(index, moment) {
        const value = await records.read(index);
        const row = await attempt(
          () => parseRow(value, form, options, drawsOf(moment, index)),
          () => records.place(index),
        );
        return rowSample(row, folder, records.name(index));
      },
      close: () => records.close(),
    };
  } catch (error) {
    await records.close();
    throw error;
  }
}

/** Runs something, and names the place where it fails. */
async function attempt<T>(run: () => T, place: () => Promise<string>): Promise<T> {
  try {
    return run();
  } catch (error) {
    throw atPlace(await place(), error);
  }
}
