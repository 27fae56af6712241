/**
 * Headers of tar archives (POSIX.1-2017 pax and ustar, and GNU's long names), read without what lies between them.
 * Everything in them is hostile until parsed.
 */
import { DataError } from '../../core/index.ts';

export const TAR_BLOCK = 512;
/** Longest pax header or long name that is read. */
export const MAX_TAR_EXTRA = 65_536;

/** One header. */
export interface TarHeader {
  readonly name: string;
  readonly size: number;
  /** `file`; what says something of the next header (`pax`, `long-name`, `global`); or anything else, which is left out. */
  readonly kind: 'file' | 'pax' | 'long-name' | 'global' | 'other';
}

/** What a pax header may say of the file that follows. */
export interface PaxRecord {
  readonly path?: string;
  readonly size?: number;
}

/**
 * @param block of 512 bytes
 * @returns undefined for a block of zeros, which marks the end
 * @throws DataError naming `where` when it is no header
 */
export function parseTarHeader(block: Uint8Array, where: string): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  let sum = 0;
  // The sum is taken with spaces where it stands itself.
  for (let i = 0; i < TAR_BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : block[i]!;
  if (octal(block, 148, 8) !== sum)
    throw new DataError(`${where}: no header of a tar archive`, 'the archive is damaged, cut off or compressed');
  const size = readSize(block, where);
  const prefix = isUstar(block) ? text(block, 345, 155) : '';
  const base = text(block, 0, 100);
  return {
    name: prefix === '' ? base : `${prefix}/${base}`,
    size,
    kind: KINDS[String.fromCharCode(block[156]!)] ?? 'other',
  };
}

const KINDS: Readonly<Record<string, TarHeader['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  x: 'pax',
  g: 'global',
  L: 'long-name',
};

function isUstar(block: Uint8Array): boolean {
  return text(block, 257, 5) === 'ustar' && block[262] === 0;
}

/** Octal digits, or a binary number where the first bit is set (GNU). */
function readSize(block: Uint8Array, where: string): number {
  let size = 0;
  if ((block[124]! & 0x80) !== 0) {
    for (let i = 125; i < 136; i++) size = size * 256 + block[i]!;
  } else {
    size = octal(block, 124, 12) ?? Number.NaN;
  }
  if (!Number.isSafeInteger(size)) throw new DataError(`${where}: a size that cannot be`, 'the archive is damaged');
  return size;
}

function octal(block: Uint8Array, start: number, length: number): number | undefined {
  const digits = text(block, start, length).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : undefined;
}

function text(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** Records `length key=value\n` of a pax header. @throws DataError naming `where` */
export function parsePax(bytes: Uint8Array, where: string): PaxRecord {
  const record: { path?: string; size?: number } = {};
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at);
    const length = space < 0 ? Number.NaN : Number(new TextDecoder().decode(bytes.subarray(at, space)));
    if (!Number.isInteger(length) || length <= space - at || at + length > bytes.length)
      throw new DataError(`${where}: a damaged pax header`, 'the archive is damaged');
    const line = new TextDecoder().decode(bytes.subarray(space + 1, at + length - 1));
    const equals = line.indexOf('=');
    const [key, value] = [line.slice(0, equals), line.slice(equals + 1)];
    if (key === 'path') record.path = value;
    if (key === 'size') {
      record.size = Number(value);
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(record.size))
        throw new DataError(`${where}: a size that cannot be`, 'the archive is damaged');
    }
    at += length;
  }
  return record;
}

/** A file's group and what it is: `a/cat.left.jpg` is `left.jpg` of `a/cat`, as WebDataset divides names. */
export function splitMemberName(name: string): { readonly key: string; readonly extension: string } | undefined {
  const slash = name.lastIndexOf('/');
  const dot = name.indexOf('.', slash + 1);
  // Hidden files, such as those that some systems add.
  if (dot <= slash + 1) return undefined;
  return { key: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() };
}

/**
 * The header of a file, its contents to follow and be filled up to whole blocks; without a date, so that equal contents give
 * equal archives.
 * @throws DataError when the name is longer than 100 bytes
 */
export function tarHeader(name: string, size: number): Uint8Array {
  const block = new Uint8Array(TAR_BLOCK);
  const put = (at: number, value: string): void => block.set(new TextEncoder().encode(value), at);
  if (new TextEncoder().encode(name).length > 100)
    throw new DataError(`${name} is too long for an archive`, 'use names of at most 100 bytes');
  put(0, name);
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\0');
  put(263, '00');
  const sum = block.reduce((a, b) => a + b, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}
