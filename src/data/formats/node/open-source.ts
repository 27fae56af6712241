import { stat } from 'node:fs/promises';
import { DataError } from '../../../core/index.ts';
import type { BlockedSource } from '../blocks.ts';
import { parseDescription, type SourceDescription } from '../description.ts';
import { type SkippingSource, skippingBad } from '../skip-bad.ts';
import { openJsonSource } from './json-source.ts';

type Format = NonNullable<SourceDescription['format']>;

const OPENERS: Readonly<Partial<Record<Format, (description: SourceDescription) => Promise<BlockedSource>>>> = {
  json: openJsonSource,
};

/**
 * Opens the samples of a file or a folder.
 * @throws DataError when there is nothing, or nothing that can be read, saying which formats can
 */
export async function openSampleSource(description: SourceDescription): Promise<BlockedSource | SkippingSource> {
  const checked = parseDescription(description);
  const format = checked.format ?? (await detectFormat(checked.path));
  const source = await OPENERS[format]!(checked);
  return checked.onBadSample === 'skip' ? skippingBad(source) : source;
}

/** The format of a file or a folder by names and kinds. @throws DataError listing what can be read */
async function detectFormat(path: string): Promise<Format> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(`${path} does not exist`, 'check the path of the data', { cause });
  });
  if (found.isFile() && /\.(jsonl|ndjson|json)$/i.test(path)) return 'json';
  throw new DataError(`the format of ${path} is not known`, 'give a file of JSON or JSON Lines');
}
