import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DataError } from '../core/index.ts';

/** Says before any work is done that a picture could not be written at the end. @param option that names it */
export async function checkPngTarget(option: string, path: string): Promise<void> {
  await checkTarget(option, path, /\.png$/i, 'PNG', '.png');
}

/** The same for other files. @param wanted what their names must be like  @param kind for messages, with its ending */
export async function checkTarget(
  option: string,
  path: string,
  wanted: RegExp,
  kind: string,
  ending: string,
): Promise<void> {
  if (!wanted.test(path))
    throw new DataError(`${option} writes ${kind} files, not ${path}`, `end its name in ${ending}`);
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (folder?.isDirectory() !== true)
    throw new DataError(`there is no folder ${dirname(path)}`, 'make it first, or write elsewhere');
}
