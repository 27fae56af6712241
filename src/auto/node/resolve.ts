import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../core/index.ts';
import { PACKAGE_ROOT } from '../../core/node/index.ts';
import { fetchModel, type FetchOptions } from '../../hub/node/index.ts';

/** The name of the small model that `npm run starter` makes for the package, which every command takes where none is told. */
export const STARTER = 'starter';

const NAME = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;

/** Whether the package carries its starter. */
async function hasStarter(): Promise<boolean> {
  const found = await stat(join(PACKAGE_ROOT, STARTER, 'model.safetensors')).catch(() => undefined);
  return found?.isFile() === true;
}

/**
 * The folder of a model: the starter that comes with the package, one on this disk, or one of the Hub's by its name, which is fetched unless it is in the cache.
 * @param name `starter`, `./folder` or `owner/name`
 * @throws CheckpointError when it is neither, or cannot be fetched
 */
export async function resolveModel(name: string, options: FetchOptions = {}): Promise<string> {
  if (name === STARTER) {
    if (await hasStarter()) return join(PACKAGE_ROOT, STARTER);
    throw new CheckpointError(
      'this copy of the package has no starter',
      'make it with `npm run starter`, or name a model with --model',
    );
  }
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory() === true) return name;
  if (found !== undefined) throw new CheckpointError(`${name} is a file`, 'name the folder of a model');
  if (!NAME.test(name))
    throw new CheckpointError(`there is no folder ${name}`, 'name a folder, or a model of the Hub as owner/name');
  return fetchModel(name, options);
}
