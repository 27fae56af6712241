import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A folder that no earlier run holds: the one that is named, or with a number behind its name.
 * @param mark path within a folder by which it counts as held; the folder itself unless told
 */
export function freshFolder(base: string, mark = ''): string {
  let folder = base;
  for (let number = 2; existsSync(join(folder, mark)); number++) folder = `${base}-${number}`;
  return folder;
}
