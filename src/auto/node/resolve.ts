import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../core/index.ts';
import { PACKAGE_ROOT } from '../../core/node/index.ts';
import { fetchModel, type FetchOptions } from '../../hub/node/index.ts';

/** The name of the small model that the package carries, which every command takes where none is told. */
export const STARTER = 'starter';

const NAME = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;

/**
 * The folder of a model: the starter that comes with the package, one on this disk, or one of the Hub's by its name, which is fetched unless it is in the cache.
 * @param name `starter`, `./folder` or `owner/name`
 * @throws CheckpointError when it is neither, or cannot be fetched
 */
export async function resolveModel(name: string, options: FetchOptions = {}): Promise<string> {
  if (name === STARTER) return join(PACKAGE_ROOT, STARTER);
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory() === true) return name;
  if (found !== undefined) throw new CheckpointError(`${name} is a file`, 'name the folder of a model');
  if (!NAME.test(name))
    throw new CheckpointError(`there is no folder ${name}`, 'name a folder, or a model of the Hub as owner/name');
  return fetchModel(name, options);
}
