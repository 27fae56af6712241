import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError } from '../../core/index.ts';
import { syncFolder } from '../../core/node/files.ts';

/**
 * Fills a new folder that is whole or absent: it is written under a hidden name and renamed at the end.
 * @throws DataError when something is there already
 */
export async function writeNewFolder<T>(path: string, write: (folder: string) => Promise<T>): Promise<T> {
  const target = resolve(path);
  const entries = await readdir(target).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new DataError(`${path} cannot be written: ${cause.message}`, 'name another folder', { cause });
  });
  if (entries.length > 0) throw new DataError(`${path} is not empty`, 'name another folder, or remove it first');
  await mkdir(dirname(target), { recursive: true });
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(temporary);
    const result = await write(temporary);
    await syncFolder(temporary);
    // An empty folder may be there already; one that was filled meanwhile is not touched.
    await rmdir(target).catch(() => undefined);
    await rename(temporary, target);
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}
