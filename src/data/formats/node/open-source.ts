import { stat } from 'node:fs/promises';
import { DataError } from '../../../core/index.ts';
import type { BlockedSource } from '../blocks.ts';
import { parseDescription, type SourceDescription } from '../description.ts';
import { type SkippingSource, skippingBad } from '../skip-bad.ts';
import { openFolderSource } from './folder-source.ts';
import { openJsonSource } from './json-source.ts';
import { openParquetSource } from './parquet-source.ts';
import { METADATA_FILE, walkFolder } from './walk.ts';
import { openWebDataset } from './webdataset-source.ts';

type Format = NonNullable<SourceDescription['format']>;

const OPENERS: Readonly<Record<Format, (description: SourceDescription) => Promise<BlockedSource>>> = {
  json: openJsonSource,
  parquet: openParquetSource,
  webdataset: openWebDataset,
  folder: openFolderSource,
};

/**
 * Opens the samples of a file or a folder.
 * @throws DataError when there is nothing, or nothing that can be read, saying which formats can
 */
export async function openSampleSource(description: SourceDescription): Promise<BlockedSource | SkippingSource> {
  const checked = parseDescription(description);
  const format = checked.format ?? (await detectFormat(checked.path));
  const source = await OPENERS[format](checked);
  return checked.onBadSample === 'skip' ? skippingBad(source) : source;
}

/** The format of a file or a folder by names and kinds. @throws DataError listing what can be read */
async function detectFormat(path: string): Promise<Format> {
  if (/\{\d+\.\.\d+\}.*\.tar$/i.test(path)) return 'webdataset';
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(`${path} does not exist`, 'check the path of the data', { cause });
  });
  if (found.isDirectory()) {
    const files = await walkFolder(path);
    for (const [pattern, format] of FOLDERS) if (files.some((file) => pattern.test(file))) return format;
    return 'folder';
  }
  const by = FILES.find(([pattern]) => pattern.test(path));
  if (by !== undefined) return by[1];
  throw new DataError(`the format of ${path} is not known`, `its name should end in one of: ${ENDINGS}`);
}

const ENDINGS = '.json, .jsonl, .ndjson, .csv, .tsv, .parquet, .tar';
const FILES: readonly (readonly [RegExp, Format])[] = [
  [METADATA_FILE, 'folder'],
  [/\.(jsonl|ndjson|json)$/i, 'json'],
  [/\.(csv|tsv)$/i, 'folder'],
  [/\.parquet$/i, 'parquet'],
  [/\.tar$/i, 'webdataset'],
];
/** What a folder holds, the first that fits; anything else must be pictures. */
const FOLDERS: readonly (readonly [RegExp, Format])[] = [
  [METADATA_FILE, 'folder'],
  [/\.parquet$/i, 'parquet'],
  [/\.tar$/i, 'webdataset'],
  [/^(?!dataset_info)[^/]+\.(jsonl|ndjson|json)$/i, 'json'],
];
