/** Pictures that rows name, confined to a folder. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { DataError } from '../../../core/index.ts';
import { isWithin } from '../../../core/node/within.ts';
import { decodePicture, type DecodeOptions, MAX_BYTES, readPicture } from '../../node/decode.ts';
import { fileOfAddress, openPicture } from '../../node/open-picture.ts';
import type { StoredPicture } from '../blocks.ts';
import type { PictureReference } from '../row.ts';
import { readBoundedFile } from './open-file.ts';

export interface PictureFolderOptions extends DecodeOptions {
  /** Whether addresses on the web may be fetched; not unless told, since a file of data would make this machine ask them. */
  readonly allowFetch?: boolean;
}

/** Opens what rows refer to. */
export class PictureFolder {
  /** Real path. */
  readonly root: string;
  /** The folder as it was named, which absolute paths may begin with. */
  readonly #named: string;
  readonly #options: PictureFolderOptions;

  private constructor(root: string, named: string, options: PictureFolderOptions) {
    this.root = root;
    this.#named = named;
    this.#options = options;
  }

  /** @throws DataError when there is no such folder */
  static async open(folder: string, options: PictureFolderOptions = {}): Promise<PictureFolder> {
    const root = await realpath(resolve(folder)).catch((cause: unknown) => {
      throw new DataError(`${folder} cannot be opened`, 'check the folder of the pictures', { cause });
    });
    return new PictureFolder(root, resolve(folder), options);
  }

  /** A picture that is opened when it is asked for. @param place where the row is, for a picture that has no name */
  picture(reference: PictureReference, place: string): StoredPicture {
    const options = this.#options;
    if (typeof reference !== 'string') {
      const name = reference.path === undefined ? place : `${place} (${reference.path})`;
      const { bytes } = reference;
      return { name, open: () => decodePicture(bytes, name, options), bytes: async () => bytes };
    }
    const scheme = /^(data|https?|file):/i.exec(reference)?.[1]?.toLowerCase();
    if (scheme === 'data') return { name: `${place} (data URL)`, open: () => openPicture(reference, options) };
    if (scheme === 'http' || scheme === 'https')
      return {
        name: reference,
        open: () => {
          if (options.allowFetch !== true)
            throw new DataError(
              `${reference.slice(0, 200)} is an address, and addresses are not fetched`,
              'fetch the pictures first, or allow it (allowFetch, --allow-fetch)',
            );
          return openPicture(reference, options);
        },
      };
    return {
      name: reference,
      open: async () => readPicture(await this.path(pathOf(reference)), options),
      bytes: async () => readBoundedFile(await this.path(pathOf(reference)), options.maxBytes ?? MAX_BYTES),
    };
  }

  /**
   * The real path of a file in the folder. Links that lead out are refused: with one, a data set from somewhere else could
   * make any file of this machine a part of what is learned. Only those that the cache of the Hub makes
   * (`datasets--owner--name/snapshots/commit/file` → `…/blobs/hash`) are followed.
   * @throws DataError when it is not there or leads out
   */
  async path(path: string): Promise<string> {
    // Hostile rows must not even learn what exists outside.
    const direct = isAbsolute(path) ? resolve(path) : join(this.root, path);
    if (path.includes('\0') || !(isWithin(this.root, direct) || isWithin(this.#named, direct)))
      throw outside(path, this.root);
    const real = await realpath(direct).catch((cause: unknown) => {
      const code = (cause as NodeJS.ErrnoException).code;
      throw new DataError(
        `${path} ${code === 'ENOENT' ? `is not in ${this.root}` : `cannot be opened (${code})`}`,
        'name the folder of the pictures (images, --images)',
        { cause },
      );
    });
    if (isWithin(this.root, real)) return real;
    const blobs = cacheBlobs(this.root);
    if (blobs !== undefined && dirname(real) === blobs) return real;
    throw outside(path, this.root);
  }
}

/** Addresses of files are absolute; what follows `file:` without a slash is taken for the path that was meant. */
function pathOf(reference: string): string {
  if (!/^file:/i.test(reference)) return reference;
  return /^file:(\/\/)?\/(?!\/)/i.test(reference) ? fileOfAddress(reference) : reference.replace(/^file:(\/\/)?/i, '');
}

function outside(path: string, root: string): DataError {
  return new DataError(
    `${path.slice(0, 200)} leads out of ${root}`,
    'put the pictures there, or name their folder (images, --images)',
  );
}

/** The blobs of a data set in the Hub's cache; undefined for any other folder. */
function cacheBlobs(root: string): string | undefined {
  for (let folder = root; dirname(folder) !== folder; folder = dirname(folder)) {
    const snapshots = dirname(folder);
    const repository = dirname(snapshots);
    if (basename(snapshots) === 'snapshots' && basename(repository).startsWith('datasets--'))
      return join(repository, 'blobs');
  }
  return undefined;
}
