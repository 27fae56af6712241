import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { PACKAGE_ROOT } from '../../core/node/index.ts';
import type { PageFile, PageFiles } from '../playground.ts';

/** Where the page is built to. */
const FOLDER = join(PACKAGE_ROOT, 'dist', 'playground');
/** A page of more bytes is none of ours; it is kept in memory. */
const MAX_BYTES = 16 * 2 ** 20;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const PACKABLE = /^(?:text|application)\/|svg/;

/**
 * The files of the page, read once; none where it is not built. Only they can be asked for: a request names a file of this
 * list, not a place on the disk.
 */
export async function readPageFiles(folder: string = FOLDER): Promise<PageFiles> {
  const files = new Map<string, PageFile>();
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  let total = 0;
  for (const entry of entries.toSorted()) {
    const type = TYPES[extname(entry).toLowerCase()];
    const path = join(folder, entry);
    const found = await stat(path);
    if (type === undefined || !found.isFile()) continue;
    total += found.size;
    if (total > MAX_BYTES) break;
    files.set(entry.replaceAll('\\', '/'), await pageFileOf(path, type));
  }
  return files;
}

async function pageFileOf(path: string, type: string): Promise<PageFile> {
  const bytes = new Uint8Array(await readFile(path));
  const packed = PACKABLE.test(type) ? new Uint8Array(await promisify(gzip)(bytes, { level: 9 })) : undefined;
  return {
    bytes,
    ...(packed !== undefined && packed.length < bytes.length ? { packed } : {}),
    type,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 24)}"`,
    // Vite puts a digest of the contents into the names below assets.
    lasting: /(?:^|[\\/])assets[\\/].+-[\w-]{8,}\.\w+$/.test(path),
  };
}
