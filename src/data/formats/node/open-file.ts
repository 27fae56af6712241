import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { DataError } from '../../../core/index.ts';

/** A regular file that is open for reading at any place. */
export interface OpenedFile {
  readonly path: string;
  readonly size: number;
  /** Bytes from `start` on, exactly as many. @throws DataError when the file ends before */
  read(start: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** @throws DataError when it is missing, no file (a pipe, a folder) or may not be read */
export async function openFile(path: string): Promise<OpenedFile> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for ever.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new DataError(
      `${path} ${isMissing ? 'does not exist' : `cannot be opened: ${(cause as Error).message}`}`,
      'check the path',
      { cause },
    );
  }
  const stats = await handle.stat();
  if (!stats.isFile()) {
    await handle.close();
    throw new DataError(`${path} is not a file`, 'name a file of data');
  }
  const { size } = stats;
  return {
    path,
    size,
    async read(start, length) {
      const buffer = Buffer.allocUnsafe(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(buffer, done, length - done, start + done);
        if (bytesRead === 0)
          throw new DataError(`${path} ends at byte ${start + done}`, 'it was cut off or has changed; read it anew');
        done += bytesRead;
      }
      return buffer;
    },
    close: () => handle.close(),
  };
}

/** All bytes of a file that is not larger than `most`. @throws DataError */
export async function readBoundedFile(path: string, most: number): Promise<Buffer> {
  const file = await openFile(path);
  try {
    if (file.size > most)
      throw new DataError(`${path} has ${file.size} bytes, more than ${most}`, 'divide it into several files');
    return await file.read(0, file.size);
  } finally {
    await file.close();
  }
}
