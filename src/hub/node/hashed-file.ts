import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { statFile } from './json-file.ts';
import { asCheckpointError } from './file-errors.ts';
import type { FileHash } from './run-state.ts';

const PIECE = 4 * 1024 * 1024;

/** Writes and syncs a new file, hashing what goes by. Pieces are small, so that the event loop gets its turns. */
export async function writeHashed(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<FileHash> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'wx');
  try {
    for await (const chunk of chunks) {
      for (let start = 0; start < chunk.length; start += PIECE) {
        const piece = chunk.subarray(start, start + PIECE);
        hash.update(piece);
        await file.writeFile(piece);
      }
      bytes += chunk.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Size and hash of a file. @throws CheckpointError when it is not there */
export async function hashFile(path: string): Promise<FileHash> {
  await statFile(path);
  const hash = createHash('sha256');
  const piece = new Uint8Array(PIECE);
  let bytes = 0;
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, PIECE, bytes);
      if (bytesRead === 0) break;
      hash.update(piece.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } catch (error) {
    throw asCheckpointError(error, path);
  } finally {
    await file?.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}
