import { fileURLToPath } from 'node:url';

import { DataError } from '../../core/index.ts';
import type { Picture } from '../image.ts';
import { decodePicture, MAX_BYTES, readPicture, type DecodeOptions } from './decode.ts';
import { fetchBytes, type FetchOptions } from './fetch-bytes.ts';

/** A path, an address (`https:`, `http:`, `file:`), a data URL in base64, or the bytes of a file. */
export type PictureSource = string | URL | Uint8Array;

export interface OpenPictureOptions extends DecodeOptions, Omit<FetchOptions, 'maxBytes' | 'allow'> {
  /**
   * Whether addresses on the web may be fetched; not unless told, because whoever names one makes this machine ask it, its
   * own network included. A function is asked about every address, those that others lead to as well.
   */
  readonly allowFetch?: boolean | ((url: URL) => boolean);
  /** Whether files of this machine may be read; they may unless told. */
  readonly allowFiles?: boolean;
}

/**
 * A picture from wherever it is, as {@link decodePicture} decodes it.
 * @throws DataError naming the source when it is not allowed, out of reach, too large, damaged or no picture
 */
export async function openPicture(source: PictureSource, options: OpenPictureOptions = {}): Promise<Picture> {
  if (source instanceof Uint8Array) return decodePicture(source, 'the picture', options);
  const text = String(source);
  const scheme = /^(data|https?|file):/i.exec(text)?.[1]?.toLowerCase();
  const { maxBytes = MAX_BYTES } = options;
  if (scheme === 'data') return decodePicture(bytesOfDataUrl(text, maxBytes), 'the data URL', options);
  if (scheme === 'http' || scheme === 'https') {
    const { allowFetch = false } = options;
    const allow = typeof allowFetch === 'function' ? allowFetch : () => allowFetch;
    const { bytes, name } = await fetchBytes(addressOf(text), { ...options, maxBytes, allow });
    return decodePicture(bytes, name, options);
  }
  if (options.allowFiles === false)
    throw new DataError(`${shorten(text)}: files may not be read here`, 'send the picture as bytes or a data URL');
  return readPicture(scheme === 'file' ? fileOfAddress(text) : text, options);
}

function addressOf(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new DataError(`${shorten(text)} is not an address`, 'check it', { cause });
  }
}

/** The path of an address such as `file:///a%20b.png`. @throws DataError */
export function fileOfAddress(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw new DataError(`${shorten(text)} is not the address of a file`, 'give a path', { cause });
  }
}

/** The bytes of `data:image/…;base64,…`. @throws DataError, before anything is decoded when they are too many */
export function bytesOfDataUrl(url: string, maxBytes: number): Uint8Array {
  const comma = url.indexOf(',');
  const head = comma < 0 || comma > 200 ? '' : url.slice(0, comma).toLowerCase();
  if (!/^data:image\/[\w.+-]+(;[\w.+-]+=[^;,]*)*;base64$/.test(head))
    throw new DataError(
      `${shorten(url)} is not a picture as a data URL`,
      'write data:image/png;base64, and the file in base64',
    );
  // Three bytes are four letters.
  if (url.length - comma > Math.ceil(maxBytes / 3) * 4 + 1)
    throw new DataError(`the data URL is larger than ${maxBytes} bytes`, 'make it smaller, or raise the limit');
  const letters = url.slice(comma + 1);
  if (letters.length % 4 === 1 || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(letters))
    throw new DataError('the data URL is not base64', 'encode the file again, without spaces or line breaks');
  return Buffer.from(letters, 'base64');
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
