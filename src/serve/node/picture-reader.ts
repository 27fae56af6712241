/** Pictures of requests: from data URLs, and from the web where that is allowed. */
import { DataError } from '../../core/index.ts';
import { Turns } from '../../core/turns.ts';
import type { Picture } from '../../data/index.ts';
import { bytesOfDataUrl, decodePicture } from '../../data/node/index.ts';
import { fetchRemoteImage, type RemoteImageOptions } from './remote-image.ts';

export interface PictureLimits {
  /** Largest file in bytes; 20 MiB unless told. */
  readonly maxBytes?: number;
  /** Most pixels, looked up before anything is decoded; 25 million unless told. */
  readonly maxPixels?: number;
  /** Pictures that are decoded at a time, each of which takes memory for all its pixels; 2 unless told. */
  readonly atATime?: number;
  /** How pictures are fetched from the web; not at all unless told. */
  readonly remote?: RemoteImageOptions;
}

const MAX_BYTES = 20 * 2 ** 20;
const MAX_PIXELS = 25_000_000;

/** How the formats begin that are read here. No SVG, which is a program, and none that only photographers send. */
const BEGINNINGS: readonly RegExp[] = [/^\xff\xd8\xff/, /^\x89PNG\r\n/, /^RIFF....WEBP/s, /^GIF8[79]a/];

/**
 * Reads the pictures of requests. What a file says of itself is looked at before it is decoded: its format by its first bytes,
 * whatever type it was sent as, and its size. Pixels come out and nothing else: where and when a picture was taken, its
 * thumbnail and its comments end here.
 * @returns a reader that throws a DataError for what is not allowed, too large, damaged or no picture
 */
export function pictureReader(limits: PictureLimits = {}): (address: string, signal: AbortSignal) => Promise<Picture> {
  const { maxBytes = MAX_BYTES, maxPixels = MAX_PIXELS, atATime = 2, remote } = limits;
  const turns = new Turns(atATime);
  return async (address, signal) => {
    signal.throwIfAborted();
    if (/^data:/i.test(address)) {
      const bytes = bytesOfDataUrl(address, maxBytes);
      return turns.run(() => decode(bytes), signal);
    }
    if (!/^https?:/i.test(address))
      throw new DataError('the picture is at no address of the web', 'send it as a data URL: data:image/png;base64,…');
    if (remote === undefined)
      throw new DataError('pictures are not fetched from the web here', 'send the picture itself, as a data URL');
    const bytes = await fetchRemoteImage(address, { maxBytes, ...remote }, signal);
    return turns.run(() => decode(bytes), signal);
  };

  async function decode(bytes: Uint8Array): Promise<Picture> {
    const beginning = String.fromCharCode(...bytes.subarray(0, 16));
    if (!BEGINNINGS.some((pattern) => pattern.test(beginning)))
      throw new DataError('the picture is of no format that is read here', 'send PNG, JPEG, WebP or GIF');
    return decodePicture(bytes, 'the picture', { maxBytes, maxPixels });
  }
}
