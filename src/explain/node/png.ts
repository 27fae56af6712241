import sharp from 'sharp';
import { DataError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { checkPicture, type RgbPicture } from '../heatmap.ts';

/** Bytes of a picture as a PNG file. @throws DataError when the size and the number of bytes do not fit */
export async function encodePng(picture: RgbPicture): Promise<Uint8Array> {
  checkPicture(picture);
  const { width, height, data } = picture;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** Writes a PNG file, whole or not at all. @throws DataError when the picture is wrong or the file cannot be written */
export async function writePng(path: string, picture: RgbPicture): Promise<void> {
  const bytes = await encodePng(picture);
  try {
    await writeFileAtomic(path, [bytes]);
  } catch (cause) {
    throw new DataError(
      `${path} cannot be written: ${(cause as Error).message}`,
      'check the folder and its permissions',
      {
        cause,
      },
    );
  }
}
