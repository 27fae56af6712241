/** Keeps what is read within a checkpoint's folder, except for the links that the download cache makes. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError } from '../../core/index.ts';
import { isWithin } from '../../core/node/within.ts';
import { asCheckpointError } from './file-errors.ts';

/**
 * The real path of a file of a checkpoint.
 *
 * Why links are refused: a checkpoint may come out of an archive, and a link in it could make any file of this machine
 * a part of the model. The cache of the Hub (`models--owner--name/snapshots/commit/file` → `…/blobs/hash`) is made of
 * links, which lead into the blobs of the same repository.
 * @param folder real path of the checkpoint's folder
 * @param path of a file in it
 * @throws CheckpointError when it is not there or leads out
 */
export async function confined(folder: string, path: string): Promise<string> {
  const real = await realpath(path).catch((error: unknown) => {
    throw asCheckpointError(error, path);
  });
  if (isWithin(folder, real)) return real;
  const blobs = cacheBlobs(folder);
  if (blobs !== undefined && dirname(real) === blobs) return real;
  throw new CheckpointError(`${path} is a link that leads out of its folder`, 'put the file itself there');
}

/** The blobs that belong to a snapshot of the cache; undefined for any other folder. */
function cacheBlobs(folder: string): string | undefined {
  const snapshots = dirname(folder);
  const repository = dirname(snapshots);
  const isSnapshot = basename(snapshots) === 'snapshots' && basename(repository).startsWith('models--');
  return isSnapshot ? join(repository, 'blobs') : undefined;
}
