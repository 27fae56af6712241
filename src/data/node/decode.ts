import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

import sharp from 'sharp';

import { DataError } from '../../core/index.ts';
import { onBackground, picture, WHITE, type Colour, type Picture } from '../image.ts';
import { drawSvg, isSvg } from './svg.ts';

export interface DecodeOptions {
  /** Largest file in bytes; 64 MiB unless told. */
  readonly maxBytes?: number;
  /** Largest number of pixels, which bounds the memory; 50 million unless told. */
  readonly maxPixels?: number;
  /** What shows through transparent parts; white unless told. */
  readonly background?: Colour;
  /** Longest time that an SVG may take to draw; 10 seconds unless told. */
  readonly maxSeconds?: number;
}

export const MAX_BYTES: number = 64 * 2 ** 20;
const MAX_PIXELS = 50_000_000;
const MAX_SECONDS = 10;

/**
 * A picture file as RGB: turned upright by its EXIF orientation, laid on a background, 8 bits per channel (the upper ones of
 * 16), of an animation the first frame. JPEG, PNG, WebP, GIF, AVIF, TIFF and SVG. What PIL reads too comes out as there,
 * but for greyscale of 16 bits, which it cuts off at 255.
 * @throws DataError naming the file when it is missing, too large, damaged, cut off or no picture
 */
export async function readPicture(path: string, options: DecodeOptions = {}): Promise<Picture> {
  return decodePicture(await readBounded(path, options.maxBytes ?? MAX_BYTES), path, options);
}

/** As {@link readPicture}, from the bytes of a file. @param name how errors call it */
export async function decodePicture(bytes: Uint8Array, name: string, options: DecodeOptions = {}): Promise<Picture> {
  const { maxBytes = MAX_BYTES, maxPixels = MAX_PIXELS, maxSeconds = MAX_SECONDS, background = WHITE } = options;
  if (bytes.length === 0) throw new DataError(`${name} is empty`, 'give a picture file');
  if (bytes.length > maxBytes) throw tooLarge(name, maxBytes);
  try {
    if (!isRaster(bytes)) {
      // Packed SVGs too: a few kilobytes of them may hold gigabytes.
      if (!isSvg(bytes)) throw new Error('unsupported image format');
      const drawn = await drawSvg(bytes, name, { maxPixels, background, seconds: maxSeconds });
      return picture(drawn.width, drawn.height, 3, drawn.data);
    }
    // A damaged or truncated file is refused, not filled with grey. Colour profiles are left aside: models were trained on
    // pictures read that way. Of a TIFF that is cut off, `truncated` would let grey through.
    const failOn = isTiff(bytes) ? 'error' : 'truncated';
    const options = { limitInputPixels: maxPixels, failOn, pages: 1, ignoreIcc: true } as const;
    const source = sharp(bytes, options);
    const { width, height, format, space } = await source.metadata();
    // Formats that declare a size may lie, so that the decoder checks again.
    if (width * height > maxPixels)
      throw new DataError(`${name} has ${width} × ${height} pixels, more than ${maxPixels}`, 'make it smaller first');
    const inks = space === 'cmyk';
    const upright = (inks ? source.pipelineColourspace('cmyk') : source).autoOrient();
    const { data, info } = await upright
      .toColourspace(inks ? 'cmyk' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
    if (inks && info.channels === 4) return picture(info.width, info.height, 3, fromInks(pixels));
    if (info.channels === 3) return picture(info.width, info.height, 3, pixels);
    if (info.channels === 4) return onBackground(picture(info.width, info.height, 4, pixels), background);
    if (info.channels === 1) return picture(info.width, info.height, 3, fromGrey(pixels));
    throw new DataError(`${name} (${format}) decodes to ${info.channels} channels`, 'save it as an RGB PNG or JPEG');
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw explain(name, cause instanceof Error ? cause.message : String(cause), maxPixels, cause);
  }
}

function fromGrey(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = grey[Math.floor(i / 3)]!;
  return rgb;
}

/** Cyan, magenta, yellow and black as light, the simple way and not by a profile of some press, as PIL does it. */
function fromInks(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let p = 0, q = 0; q < rgb.length; p += 4, q += 3) {
    const light = 255 - inks[p + 3]!;
    for (let c = 0; c < 3; c++) rgb[q + c] = light - Math.round((inks[p + c]! * light) / 255);
  }
  return rgb;
}

/** How files of the other formats begin: JPEG, PNG, WebP, GIF, TIFF (four kinds), and AVIF from its fifth byte. */
const BEGINNINGS: readonly RegExp[] = [
  /^\xff\xd8\xff/,
  /^\x89PNG/,
  /^RIFF....WEBP/s,
  /^GIF8/,
  /^II[\x2a\x2b]\0/,
  /^MM\0[\x2a\x2b]/,
  /^....ftyp/s,
];

function isTiff(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x49 && bytes[1] === 0x49) || (bytes[0] === 0x4d && bytes[1] === 0x4d);
}

function isRaster(bytes: Uint8Array): boolean {
  const beginning = String.fromCharCode(...bytes.subarray(0, 16));
  return BEGINNINGS.some((pattern) => pattern.test(beginning));
}

function explain(name: string, message: string, maxPixels: number, cause: unknown): DataError {
  const reason = message
    .split('\n')[0]!
    .replace(/^Input (buffer|file)( has corrupt header)?:? ?/, '')
    .trim();
  if (/pixel limit|dimensions/i.test(message))
    return new DataError(`${name} has more than ${maxPixels} pixels`, 'make it smaller first', { cause });
  if (/unsupported image format/i.test(message))
    return new DataError(`${name} is not a picture that can be read`, 'use JPEG, PNG, WebP, GIF, AVIF, TIFF or SVG', {
      cause,
    });
  return new DataError(
    `${name} is damaged or cut off${reason === '' ? '' : `: ${reason}`}`,
    'fetch or save the file again',
    { cause },
  );
}

function tooLarge(name: string, maxBytes: number): DataError {
  return new DataError(`${name} is larger than ${maxBytes} bytes`, 'make it smaller, or raise the limit');
}

/** Reads at most `maxBytes`; a larger file is refused before it is read, even one that grows or has no size. */
async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  let file;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for ever.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new DataError(
      `${path} ${missing ? 'does not exist' : `cannot be opened: ${(cause as Error).message}`}`,
      'check the path',
      { cause },
    );
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new DataError(`${path} is not a file`, 'give a picture file');
    if (stats.size > maxBytes) throw tooLarge(path, maxBytes);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
