import { DataError } from '../../core/index.ts';
import { openPicture } from '../../data/node/index.ts';
import type { PictureReader } from '../context.ts';

/** Bytes of a picture's file. */
const MAX_BYTES = 20 * 2 ** 20;
const MAX_PIXELS = 40_000_000;
const MAX_SECONDS = 5;

/**
 * Reads pictures that requests send: data URLs, and addresses of the web where they may be fetched.
 * @param fetchBytes gets a picture's file from the web; absent where that is not allowed
 */
export function pictureReader(
  fetchBytes?: (url: URL, options: { maxBytes: number; signal: AbortSignal }) => Promise<Uint8Array>,
): PictureReader {
  const limits = { maxBytes: MAX_BYTES, maxPixels: MAX_PIXELS, maxSeconds: MAX_SECONDS, allowFiles: false };
  return async (url, signal) => {
    if (!/^https?:/i.test(url)) return openPicture(url, limits);
    if (fetchBytes === undefined)
      throw new DataError(
        'pictures are not fetched from the web here',
        'send a data URL, or start the server with --allow-remote-images',
      );
    if (!URL.canParse(url)) throw new DataError(`${url.slice(0, 80)} is not an address`, 'check it');
    return openPicture(await fetchBytes(new URL(url), { maxBytes: MAX_BYTES, signal }), limits);
  };
}
