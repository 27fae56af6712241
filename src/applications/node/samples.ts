import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../core/index.ts';
import { PACKAGE_ROOT } from '../../core/node/index.ts';
import type { Application } from '../application.ts';

/** Path of the picture of an application's sample. */
export function samplePath({ sample }: Application): string {
  return join(PACKAGE_ROOT, 'recipes', 'applications', 'samples', sample.picture);
}

/** The picture of an application's sample as a data URL. @throws DataError where the package has lost it */
export async function samplePicture(application: Application): Promise<string> {
  const path = samplePath(application);
  try {
    return `data:image/png;base64,${(await readFile(path)).toString('base64')}`;
  } catch (cause) {
    throw new DataError(`${path} cannot be read: ${(cause as Error).message}`, 'install the package again', { cause });
  }
}
