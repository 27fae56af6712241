import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../../core/index.ts';

const MAX_FILES = 5_000_000;
const MAX_DEPTH = 32;

/** Files that sharp or the SVG drawer may open, by their names. */
export const PICTURE_FILE: RegExp = /\.(jpe?g|png|webp|gif|avif|tiff?|svg)$/i;
/** A table of pictures, as Hugging Face's imagefolder has it, by its path. */
export const METADATA_FILE: RegExp = /(^|[\\/])metadata\.(jsonl|csv|tsv)$/i;

/**
 * Names of all files below a folder, with `/` between its parts, in the order of their letters; hidden ones are left out, and
 * links to folders are not followed.
 * @throws DataError when it cannot be read, or has too many or too deep
 */
export async function walkFolder(folder: string): Promise<string[]> {
  const files: string[] = [];
  const visit = async (below: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw new DataError(`${join(folder, below)} lies too deep`, `at most ${MAX_DEPTH} folders`);
    const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((cause: unknown) => {
      throw new DataError(`${join(folder, below)} cannot be read`, 'check the folder', { cause });
    });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await visit(path, depth + 1);
      else if (files.push(path) > MAX_FILES)
        throw new DataError(`${folder} has more than ${MAX_FILES} files`, 'pack them into tar shards');
    }
  };
  await visit('', 0);
  return files;
}
