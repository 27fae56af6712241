import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { Picture } from '../../image.ts';
import type { StoredPicture } from '../blocks.ts';

/** The bytes of a picture file and how its name ends. */
export interface PictureFile {
  readonly bytes: Uint8Array;
  readonly extension: string;
  /** Of the contents: equal files have equal names. */
  readonly name: string;
}

/** A picture as a file: the one that it was read from where there is one, else a PNG. @param decoded shows that it is whole */
export async function pictureFile(source: StoredPicture, decoded: Picture): Promise<PictureFile> {
  const stored = await source.bytes?.();
  const extension = stored === undefined ? undefined : extensionOf(stored);
  const bytes = stored !== undefined && extension !== undefined ? stored : await encodePng(decoded);
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 20);
  return { bytes, name, extension: extension ?? 'png' };
}

async function encodePng({ width, height, channels, data }: Picture): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}

const BEGINNINGS: readonly (readonly [RegExp, string])[] = [
  [/^\xff\xd8\xff/, 'jpg'],
  [/^\x89PNG/, 'png'],
  [/^RIFF....WEBP/s, 'webp'],
  [/^GIF8/, 'gif'],
  [/^....ftypavif/s, 'avif'],
];

/** Only of kinds that other programs read as well; all others are written as PNG. */
function extensionOf(bytes: Uint8Array): string | undefined {
  const beginning = String.fromCharCode(...bytes.subarray(0, 16));
  return BEGINNINGS.find(([pattern]) => pattern.test(beginning))?.[1];
}
