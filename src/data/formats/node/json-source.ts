/** LLaVA, ShareGPT and OpenAI conversations, and columns, in JSON and JSON Lines. */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
  const path = await fileOf(description.path);
  const { images = dirname(path), allowFetch = false } = description;
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

/** The file, or the only one in a folder: `train.jsonl` and `test.jsonl` must not become one by accident. */
async function fileOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return path;
  const names = (await readdir(path))
    .filter((name) => /^(?!dataset_info)[^.].*\.(jsonl|ndjson|json)$/i.test(name))
    .sort();
  if (names.length === 1) return join(path, names[0]!);
  // As the writers of this project call it.
  const own = names.find((name) => /^data\.jsonl?$/.test(name));
  if (own !== undefined) return join(path, own);
  throw new DataError(
    `${path} holds ${names.length === 0 ? 'no JSON file' : `${names.length} JSON files (${names.slice(0, 5).join(', ')})`}`,
    'name one file',
  );
}

/** Runs something, and names the place where it fails. */
async function attempt<T>(run: () => T, place: () => Promise<string>): Promise<T> {
  try {
    return run();
  } catch (error) {
    throw atPlace(await place(), error);
  }
}
