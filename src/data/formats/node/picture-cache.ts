/** Pictures made smaller once and kept, so that later passes need not decode and shrink large files again. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../../core/index.ts';
import { onBackground, picture, type Picture } from '../../image.ts';
import { resize } from '../../resize.ts';
import { withSamples } from '../../sources/parts.ts';
import type { BlockedSource, StoredPicture } from '../blocks.ts';

export interface PictureCacheOptions {
  /** Where pictures are kept; made when it is not there. */
  readonly folder: string;
  /** Longest side that they are made smaller to; smaller ones stay as they are. Choose twice what the model reads, or more. */
  readonly side: number;
  /** Most that the folder may grow to in bytes; what does not fit is made anew each time. 4 GiB unless told. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 4 * 2 ** 30;
const MAGIC = 0x31504553; // "SEP1"
const HEADER = 12;

/**
 * The same samples with pictures of at most `side` pixels, kept in a folder by the contents of their files: 3 bytes a pixel
 * behind a header of 12. A kept file that is damaged is made anew. Several processes may share a folder.
 * @throws DataError when the folder cannot be made
 */
export async function cachedPictures(source: BlockedSource, options: PictureCacheOptions): Promise<BlockedSource> {
  const { folder, side, maxBytes = MAX_BYTES } = options;
  if (!Number.isInteger(side) || side < 1 || side > 8192)
    throw new DataError(`pictures of ${side} pixels cannot be kept`, 'give a whole number up to 8192');
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new DataError(`${folder} cannot be made`, 'name another folder for kept pictures', { cause });
  });
  let room = maxBytes - (await sizeOf(folder));
  const keep = async (path: string, made: Picture): Promise<void> => {
    const length = HEADER + made.data.length;
    if (length > room) return;
    room -= length;
    const header = Buffer.alloc(HEADER);
    for (const [i, value] of [MAGIC, made.width, made.height].entries()) header.writeUInt32LE(value, i * 4);
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await writeFile(temporary, [header, made.data]);
      await rename(temporary, path);
    } catch {
      // A full disk makes training slower and does not end it.
      await rm(temporary, { force: true });
    }
  };
  const openKept = async (each: StoredPicture): Promise<Picture> => {
    const bytes = await each.bytes?.();
    if (bytes === undefined) return shrink(await each.open(), side);
    const path = join(folder, `${createHash('sha256').update(bytes).digest('hex')}-${side}`);
    const kept = await readKept(path, side);
    if (kept !== undefined) return kept;
    const made = shrink(await each.open(), side);
    await keep(path, made);
    return made;
  };
  return withSamples(source, async (index, moment) => {
    const sample = await source.sample(index, moment);
    return {
      ...sample,
      pictures: sample.pictures.map((each) => ({ name: each.name, open: async () => openKept(each) })),
    };
  });
}

async function sizeOf(folder: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(folder)) sum += (await stat(join(folder, name)).catch(() => ({ size: 0 }))).size;
  return sum;
}

/** A kept picture; undefined when there is none or it is not whole. */
async function readKept(path: string, side: number): Promise<Picture | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || bytes.length < HEADER || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  const [width, height] = [bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
  const isWhole = width >= 1 && height >= 1 && width <= side && height <= side;
  if (!isWhole || bytes.length !== HEADER + 3 * width * height) return undefined;
  return picture(width, height, 3, new Uint8Array(bytes.subarray(HEADER)));
}

function shrink(opened: Picture, side: number): Picture {
  const flat = onBackground(opened);
  const scale = side / Math.max(flat.width, flat.height);
  if (scale >= 1) return flat;
  const scaled = (length: number): number => Math.max(1, Math.round(length * scale));
  return resize(flat, scaled(flat.width), scaled(flat.height), 'bicubic');
}
