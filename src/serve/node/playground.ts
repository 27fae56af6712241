import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PACKAGE_ROOT } from '../../core/node/index.ts';
import type { PageFile, PageFiles } from '../playground.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** Where a build leaves the page. */
const PLAYGROUND: string = join(PACKAGE_ROOT, 'dist', 'playground');

/**
 * Reads the built page, compressed once for all requests.
 * @returns nothing where it was not built: a server answers its interface without it
 */
export async function readPlayground(folder: string = PLAYGROUND): Promise<PageFiles | undefined> {
  let entries;
  try {
    entries = await readdir(folder, { recursive: true, withFileTypes: true });
  } catch {
    return undefined;
  }
  const files = new Map<string, PageFile>();
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = new Uint8Array(await readFile(path));
    const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    const zipped = new Uint8Array(gzipSync(bytes, { level: 9 }));
    files.set(relative(folder, path).split(sep).join('/'), { type, bytes, zipped, tag });
  }
  return files.has('index.html') ? files : undefined;
}
