/** LLaVA, ShareGPT and OpenAI conversations, and columns, in JSON and JSON Lines. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../../core/index.ts';
import type { BlockedSource } from '../blocks.ts';
import type { SourceDescription } from '../description.ts';
import { JsonRecords } from './json-records.ts';
import { openRows } from './row-source.ts';

/** @throws DataError naming file and line when its first row is of no known form */
export async function openJsonSource(description: SourceDescription): Promise<BlockedSource> {
  const path = await fileOf(description.path);
  const records = await JsonRecords.open(path);
  return openRows(records, { ...description, path }, { name: (index) => records.name(index) });
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
