/** Where the records of a JSON file are, so that any of them can be read without the others. */
import { basename } from 'node:path';
import { DataError } from '../../../core/index.ts';
import { decodeUtf8 } from '../../text.ts';
import { parseJson } from '../parse-json.ts';
import { atPlace } from '../row.ts';
import { openFile, type OpenedFile } from './open-file.ts';

const CHUNK = 2 ** 20;
/** Largest record: a picture of 64 MiB as a data URL, and some more. */
const MAX_RECORD = 100 * 2 ** 20;

const [LINE, SPACE, TAB, RETURN] = [10, 32, 9, 13];
const [QUOTE, BACKSLASH, COMMA] = [34, 92, 44];
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [123, 125, 91, 93];

const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB || byte === RETURN || byte === LINE;

/** Places of records: 8 bytes for where each begins, 8 for how long it is. */
class PlaceList {
  length = 0;
  #starts = new Float64Array(1024);
  #lengths = new Float64Array(1024);

  add(start: number, end: number): void {
    if (this.length === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#lengths = grown(this.#lengths);
    }
    this.#starts[this.length] = start;
    this.#lengths[this.length++] = end - start;
  }

  at(index: number): { start: number; length: number } {
    return { start: this.#starts[index]!, length: this.#lengths[index]! };
  }
}

function grown(old: Float64Array): Float64Array<ArrayBuffer> {
  const next = new Float64Array(old.length * 2);
  next.set(old);
  return next;
}

/**
 * A file of JSON Lines (one object a line; empty lines are left out) or one list of objects, told by its first sign. It is gone
 * over once in pieces when it is opened, and never held in memory: what is kept is where each record begins.
 */
export class JsonRecords {
  readonly #file: OpenedFile;
  readonly #places: PlaceList;

  private constructor(file: OpenedFile, places: PlaceList) {
    this.#file = file;
    this.#places = places;
  }

  /** @throws DataError when the file cannot be read, or a list in it is broken, naming the line */
  static async open(path: string): Promise<JsonRecords> {
    const file = await openFile(path);
    try {
      return new JsonRecords(file, await findRecords(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get length(): number {
    return this.#places.length;
  }

  /** How the record is called where no line is needed. */
  name(index: number): string {
    return `${basename(this.#file.path)}#${index}`;
  }

  /** A record, parsed. @throws DataError naming file and line */
  async read(index: number): Promise<unknown> {
    const { start, length } = this.#places.at(index);
    try {
      if (length > MAX_RECORD)
        throw new DataError(`a record of ${length} bytes; at most ${MAX_RECORD} are read`, 'divide it');
      return parseJson(decodeUtf8(await this.#file.read(start, length), 'the record'));
    } catch (error) {
      throw atPlace(await this.place(index), error);
    }
  }

  /** `file:line` of a record, found by counting; for errors. */
  async place(index: number): Promise<string> {
    const { start } = this.#places.at(index);
    return `${this.#file.path}:${await lineAt(this.#file, start)}`;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function findRecords(file: OpenedFile): Promise<PlaceList> {
  const start = await firstSign(file);
  if (start === undefined) throw new DataError(`${file.path} is empty`, 'give a file of samples');
  const [sign] = await file.read(start, 1);
  if (sign === OPEN_LIST) return findInList(file, start);
  if (sign === OPEN) return findLines(file, start);
  throw new DataError(
    `${file.path} begins with neither { nor [`,
    'use JSON Lines (one object a line) or one list of objects',
  );
}

/** Where the first byte is that is neither white space nor a byte order mark. */
async function firstSign(file: OpenedFile): Promise<number | undefined> {
  for (let at = 0; at < file.size; at += CHUNK) {
    const bytes = await file.read(at, Math.min(CHUNK, file.size - at));
    const from = at === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    for (let i = from; i < bytes.length; i++) if (!isBlank(bytes[i]!)) return at + i;
  }
  return undefined;
}

async function findLines(file: OpenedFile, from: number): Promise<PlaceList> {
  const places = new PlaceList();
  /** First sign of the line that is being read; undefined while it is blank. */
  let begin: number | undefined;
  for (let at = from; at < file.size; at += CHUNK) {
    const bytes = await file.read(at, Math.min(CHUNK, file.size - at));
    for (let i = 0; i < bytes.length;) {
      if (begin === undefined) {
        while (i < bytes.length && isBlank(bytes[i]!)) i++;
        if (i === bytes.length) break;
        begin = at + i;
      }
      const end = bytes.indexOf(LINE, i);
      if (end < 0) break;
      places.add(begin, at + end);
      begin = undefined;
      i = end + 1;
    }
  }
  if (begin !== undefined) places.add(begin, file.size);
  return places;
}

/** Finds the objects of a list by counting brackets outside of texts. */
async function findInList(file: OpenedFile, from: number): Promise<PlaceList> {
  const places = new PlaceList();
  let depth = 0;
  let begin = 0;
  let [isText, isEscaped, isOver] = [false, false, false];
  for (let at = from; at < file.size; at += CHUNK) {
    const bytes = await file.read(at, Math.min(CHUNK, file.size - at));
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (isText) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isText = false;
      } else if (isBlank(byte)) continue;
      else if (isOver) throw await broken(file, at + i, 'something follows the end of the list');
      else if (byte === OPEN || byte === OPEN_LIST) {
        if (depth === 1) {
          if (byte === OPEN_LIST) throw await broken(file, at + i, 'the list holds a list and not an object');
          begin = at + i;
        }
        depth++;
      } else if (byte === CLOSE || byte === CLOSE_LIST) {
        depth--;
        if (depth === 1) places.add(begin, at + i + 1);
        else if (depth === 0) isOver = true;
      } else if (depth === 1 && byte !== COMMA) throw await broken(file, at + i, 'the list holds more than objects');
      else if (byte === QUOTE) isText = true;
    }
  }
  if (!isOver) throw await broken(file, file.size, 'the list does not end');
  return places;
}

async function broken(file: OpenedFile, at: number, what: string): Promise<DataError> {
  return new DataError(`${file.path}:${await lineAt(file, at)}: ${what}`, 'the file is damaged or cut off; correct it');
}

async function lineAt(file: OpenedFile, end: number): Promise<number> {
  let line = 1;
  for (let at = 0; at < end; at += CHUNK) {
    const bytes = await file.read(at, Math.min(CHUNK, end - at));
    for (let i = bytes.indexOf(LINE); i >= 0; i = bytes.indexOf(LINE, i + 1)) line++;
  }
  return line;
}
