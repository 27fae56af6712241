import { open } from 'node:fs/promises';
import { DataError } from '../../core/index.ts';
import { ApiKeys } from '../limits/api-keys.ts';

const MAX_BYTES = 2 ** 20;

/**
 * The keys in a file, as {@link ApiKeys.parse} reads them.
 * @returns them, and what should be told to the person who starts the server
 * @throws DataError
 */
export async function readKeys(
  path: string,
): Promise<{ readonly keys: ApiKeys; readonly warning: string | undefined }> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw new DataError(`the keys in ${path} cannot be read: ${(cause as Error).message}`, 'check the path', { cause });
  }
  try {
    const { size, mode } = await file.stat();
    if (size > MAX_BYTES) throw new DataError(`${path} is larger than ${MAX_BYTES} bytes`, 'is it the file of keys?');
    const keys = await ApiKeys.parse(await file.readFile('utf8'), path);
    const open = process.platform !== 'win32' && (mode & 0o077) !== 0;
    return { keys, warning: open ? `others on this machine may read ${path}: chmod 600 ${path}` : undefined };
  } finally {
    await file.close();
  }
}
