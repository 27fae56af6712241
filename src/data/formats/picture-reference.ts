import { DataError } from '../../core/index.ts';
import { kindOf, MAX_PICTURES, type PictureReference, type RawRow } from './row.ts';

/** Letters of a path or an address; data URLs have their own bound where they are decoded. */
const MAX_PATH = 4096;

/**
 * The pictures that a row lists under `image` or `images` (or the given key): one or a list of paths, addresses, or
 * `{ bytes, path }` as Hugging Face parquet has them. `null` and `""` are none.
 * @throws DataError naming the key
 */
export function pictureReferences(row: RawRow, key?: string): PictureReference[] {
  const found = key ?? (isNothing(row['images']) ? 'image' : 'images');
  const value = row[found];
  if (isNothing(value)) return [];
  if (!Array.isArray(value)) return [readReference(value, found)];
  if (value.length > MAX_PICTURES)
    throw new DataError(`${found} has ${value.length} pictures, more than ${MAX_PICTURES}`, 'divide the row');
  return value.map((each, i) => readReference(each, `${found}[${i}]`));
}

/** @throws DataError naming the key */
export function readReference(value: unknown, key: string): PictureReference {
  if (typeof value === 'string') {
    if (value === '') throw new DataError(`${key} is empty`, 'give a path');
    if (value.length > MAX_PATH && !/^data:/i.test(value))
      throw new DataError(`${key} is a path of ${value.length} letters`, 'give a path or a data URL');
    return value;
  }
  if (value instanceof Uint8Array) return { bytes: value, path: undefined };
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const { bytes, path, url } = value as RawRow;
    const name = typeof path === 'string' && path !== '' ? path : undefined;
    if (bytes instanceof Uint8Array && bytes.length > 0) return { bytes, path: name?.slice(0, MAX_PATH) };
    if (name !== undefined) return readReference(name, `${key}.path`);
    if (typeof url === 'string') return readReference(url, `${key}.url`);
  }
  throw new DataError(`${key} is ${kindOf(value)}, not a picture`, 'give a path, a data URL, or bytes with a path');
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
