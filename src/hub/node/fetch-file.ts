/** One file over HTTP into one on disk: resumed where an earlier attempt ended, checked before it takes its name. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { CheckpointError } from '../../core/index.ts';
import { asCheckpointError } from './file-errors.ts';

/** What is known of a file before it is fetched. */
export interface RemoteFile {
  readonly url: string;
  readonly size: number;
  /** SHA-256 of a file in large storage; else SHA-1 as git takes it, over the size and the contents. */
  readonly hash: { readonly kind: 'sha256' | 'git'; readonly hex: string };
}

const ATTEMPTS = 3;
/** Errors of the disk, which trying again does not mend. */
const DISK = new Set(['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EISDIR', 'EMFILE']);
/** What this process is fetching, by path: two that append to one file would spoil it. */
const underWay = new Map<string, Promise<void>>();

/**
 * @param path where it comes to lie; `path.incomplete` holds what there is until then
 * @throws CheckpointError when it cannot be had, or its hash is another: nothing is left behind then
 */
export async function fetchFile(file: RemoteFile, path: string, options: ReceiveOptions = {}): Promise<void> {
  const other = underWay.get(path);
  if (other !== undefined) return other;
  const mine = fetchChecked(file, path, options).finally(() => underWay.delete(path));
  underWay.set(path, mine);
  return mine;
}

interface ReceiveOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly onBytes?: (received: number) => void;
}

async function fetchChecked(file: RemoteFile, path: string, options: ReceiveOptions): Promise<void> {
  const partial = `${path}.incomplete`;
  for (let attempt = 1; ; attempt++) {
    try {
      await receive(file, partial, options);
      break;
    } catch (cause) {
      if (cause instanceof CheckpointError) throw cause;
      if (DISK.has(String((cause as NodeJS.ErrnoException).code))) throw asCheckpointError(cause, partial);
      if (attempt === ATTEMPTS)
        throw new CheckpointError(
          `${file.url}: the connection failed (${(cause as Error).message.slice(0, 200)})`,
          'try again: what has come already is kept',
          { cause },
        );
    }
  }
  if ((await hashOf(partial, file)) !== file.hash.hex) {
    await rm(partial, { force: true });
    throw new CheckpointError(`${file.url}: the hash of what came is another`, 'fetch it again; nothing was kept');
  }
  await rename(partial, path);
}

async function receive(file: RemoteFile, partial: string, { headers = {}, onBytes }: ReceiveOptions): Promise<void> {
  let done = await stat(partial).then(
    ({ size }) => size,
    () => 0,
  );
  if (done > file.size) done = 0;
  if (done === file.size && done > 0) return;
  const range: Record<string, string> = done > 0 ? { Range: `bytes=${done}-` } : {};
  const response = await fetch(file.url, { headers: { ...headers, ...range } });
  if (!response.ok) {
    await response.body?.cancel();
    if (response.status >= 500) throw new Error(`status ${response.status}`);
    throw new CheckpointError(`${file.url}: status ${response.status}`, 'check the name and the token');
  }
  if (response.status !== 206 || !response.headers.get('content-range')?.startsWith(`bytes ${done}-`)) done = 0;
  const handle = await open(partial, done > 0 ? 'a' : 'w');
  try {
    for await (const chunk of response.body ?? []) {
      done += chunk.length;
      if (done > file.size) {
        await handle.truncate(0);
        throw new CheckpointError(`${file.url}: more than the ${file.size} bytes that were announced`, 'try again');
      }
      await handle.writeFile(chunk);
      onBytes?.(done);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (done < file.size) throw new Error(`ended after ${done} of ${file.size} bytes`);
}

async function hashOf(path: string, { hash, size }: RemoteFile): Promise<string> {
  const state = createHash(hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (hash.kind === 'git') state.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) state.update(chunk as Uint8Array);
  return state.digest('hex');
}
