import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DataError } from '../core/index.ts';

/** Says before any work is done that a picture could not be written at the end. @param option that names it */
export async function checkPngTarget(option: string, path: string): Promise<void> {
  if (!/\.png$/i.test(path)) throw new DataError(`${option} writes PNG files, not ${path}`, 'end its name in .png');
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (folder?.isDirectory() !== true)
    throw new DataError(`there is no folder ${dirname(path)}`, 'make it first, or write elsewhere');
}
