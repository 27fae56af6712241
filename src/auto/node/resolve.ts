import { stat } from 'node:fs/promises';
import { CheckpointError } from '../../core/index.ts';
import { fetchModel, type FetchOptions } from '../../hub/node/index.ts';

const NAME = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;

/**
 * The folder of a model: one on this disk, or one of the Hub's by its name, which is fetched unless it is in the cache.
 * @param name `./folder` or `owner/name`
 * @throws CheckpointError when it is neither, or cannot be fetched
 */
export async function resolveModel(name: string, options: FetchOptions = {}): Promise<string> {
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory() === true) return name;
  if (found !== undefined) throw new CheckpointError(`${name} is a file`, 'name the folder of a model');
  if (!NAME.test(name))
    throw new CheckpointError(`there is no folder ${name}`, 'name a folder, or a model of the Hub as owner/name');
  return fetchModel(name, options);
}
