/** Where the files of a tar archive are, grouped by name as WebDataset does. */
import { DataError } from '../../../core/index.ts';
import { MAX_TAR_EXTRA, parsePax, parseTarHeader, type PaxRecord, splitMemberName, TAR_BLOCK } from '../tar.ts';
import { openFile, type OpenedFile } from './open-file.ts';

/** A file in an archive. */
export interface TarMember {
  readonly extension: string;
  readonly offset: number;
  readonly size: number;
}

const MAX_MEMBERS = 20_000_000;
/** Read at once: a header, and often a small file and the next header with it. */
const AHEAD = 4096;

/** The groups of one archive. Kept in plain arrays, since there may be millions. */
export class TarIndex {
  readonly path: string;
  readonly #keys: string[] = [];
  /** First member of each group. */
  readonly #first: number[] = [];
  readonly #extensions: string[] = [];
  readonly #offsets: number[] = [];
  readonly #sizes: number[] = [];
  /** Equal extensions share one text. */
  readonly #known = new Map<string, string>();

  private constructor(path: string) {
    this.path = path;
  }

  /** Reads the headers of an archive and nothing else. @throws DataError when it is cut off or no archive */
  static async read(path: string): Promise<TarIndex> {
    const file = await openFile(path);
    const index = new TarIndex(path);
    try {
      for await (const { name, offset, size } of members(file)) index.#add(name, offset, size);
    } finally {
      await file.close();
    }
    return index;
  }

  /** Number of groups. */
  get length(): number {
    return this.#keys.length;
  }

  key(group: number): string {
    return this.#keys[group]!;
  }

  members(group: number): TarMember[] {
    const [from, to] = [this.#first[group]!, this.#first[group + 1] ?? this.#sizes.length];
    return Array.from({ length: to - from }, (_, i) => ({
      extension: this.#extensions[from + i]!,
      offset: this.#offsets[from + i]!,
      size: this.#sizes[from + i]!,
    }));
  }

  #add(name: string, offset: number, size: number): void {
    const parts = splitMemberName(name);
    if (parts === undefined) return;
    if (this.#sizes.length >= MAX_MEMBERS)
      throw new DataError(`${this.path} holds more than ${MAX_MEMBERS} files`, 'divide it into several archives');
    if (this.#keys.at(-1) !== parts.key) {
      this.#keys.push(parts.key);
      this.#first.push(this.#sizes.length);
    } else if (this.#extensions.indexOf(parts.extension, this.#first.at(-1)) >= 0) {
      throw new DataError(`${this.path}: ${name} is there twice`, 'give each sample a name of its own');
    }
    const known = this.#known.get(parts.extension) ?? parts.extension;
    this.#known.set(known, known);
    this.#extensions.push(known);
    this.#offsets.push(offset);
    this.#sizes.push(size);
  }
}

/** Files of an archive with the place of their contents. */
async function* members(file: OpenedFile): AsyncGenerator<{ name: string; offset: number; size: number }> {
  let ahead: { start: number; bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };
  const bytesAt = async (start: number, length: number, where: string): Promise<Buffer> => {
    if (start + length > file.size) throw cutOff(where);
    if (start < ahead.start || start + length > ahead.start + ahead.bytes.length) {
      ahead = { start, bytes: await file.read(start, Math.min(Math.max(AHEAD, length), file.size - start)) };
    }
    return ahead.bytes.subarray(start - ahead.start, start - ahead.start + length);
  };
  let pax: PaxRecord = {};
  let longName: string | undefined;
  for (let at = 0; at < file.size;) {
    const where = `${file.path} at byte ${at}`;
    const header = parseTarHeader(await bytesAt(at, TAR_BLOCK, where), where);
    if (header === undefined) return;
    const size = header.kind === 'file' ? (pax.size ?? header.size) : header.size;
    const offset = at + TAR_BLOCK;
    if (offset + size > file.size) throw cutOff(`${file.path}: ${header.name}`);
    if (header.kind === 'pax' || header.kind === 'long-name') {
      if (size > MAX_TAR_EXTRA) throw new DataError(`${where}: a header of ${size} bytes`, 'the archive is damaged');
      const bytes = await bytesAt(offset, size, where);
      if (header.kind === 'pax') pax = parsePax(bytes, where);
      else longName = new TextDecoder().decode(bytes).replace(/\0[^]*$/, '');
    } else if (header.kind !== 'global') {
      if (header.kind === 'file') yield { name: pax.path ?? longName ?? header.name, offset, size };
      pax = {};
      longName = undefined;
    }
    at = offset + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

function cutOff(where: string): DataError {
  return new DataError(`${where}: the archive ends within it`, 'it was cut off; fetch it again');
}
