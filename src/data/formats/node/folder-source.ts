/**
 * Folders of pictures and what is said about them: `metadata.jsonl` or `metadata.csv` with a column `file_name`, as Hugging
 * Face's imagefolder has it; or `cat.txt` beside `cat.jpg`; or pictures in folders that name what they show.
 */
import { join, posix } from 'node:path';
import { DataError } from '../../../core/index.ts';
import { decodeUtf8 } from '../../text.ts';
import { type BlockedSource } from '../blocks.ts';
import { parseCsv } from '../csv.ts';
import type { SourceDescription } from '../description.ts';
import { parseRow } from '../parse-row.ts';
import { asList, asObject, asText, MAX_PICTURES } from '../row.ts';
import { concatenated, openTogether } from '../../sources/parts.ts';
import { JsonRecords } from './json-records.ts';
import { readBoundedFile } from './open-file.ts';
import { PictureFolder } from './pictures.ts';
import { columnOptions, drawsOf, rowSample } from './row-sample.ts';
import { openRows, type Rows } from './row-source.ts';
import { METADATA_FILE, PICTURE_FILE, walkFolder } from './walk.ts';

const MAX_CAPTION = 2 ** 20;
const MAX_TABLE = 2 ** 28;
/** What is opened by itself. */
const TABLE = /\.(jsonl|csv|tsv)$/i;

/** @throws DataError when nothing in the folder says what its pictures show */
export async function openFolderSource(description: SourceDescription): Promise<BlockedSource> {
  const { path } = description;
  if (TABLE.test(path)) return openTable(description);
  const files = await walkFolder(path);
  const tables = files.filter((file) => METADATA_FILE.test(file));
  if (tables.length > 0)
    return openTogether(tables, (table) => openTable({ ...description, path: join(path, table) }), concatenated);
  const pictures = files.filter((file) => PICTURE_FILE.test(file));
  if (pictures.length === 0) throw new DataError(`${path} holds no pictures`, 'give a folder of pictures and captions');
  const texts = new Set(files.filter((file) => file.endsWith('.txt')));
  const captionOf = (picture: string): string => picture.replace(/\.[^./]+$/, '.txt');
  const folder = await PictureFolder.open(path);
  const options = { ...columnOptions(description), columns: { caption: 'caption' } };
  const isCaptioned = pictures.some((picture) => texts.has(captionOf(picture)));
  if (!isCaptioned && !pictures.every((picture) => picture.includes('/')))
    throw new DataError(
      `nothing in ${path} says what its pictures show`,
      'write cat.txt beside cat.jpg, or metadata.jsonl with file_name and text, or put pictures into folders named after what they show',
    );
  return {
    length: pictures.length,
    async sample(index, moment) {
      const picture = pictures[index]!;
      const caption = isCaptioned
        ? await readCaption(folder, captionOf(picture), picture, texts)
        : posix.basename(posix.dirname(picture)).replaceAll(/[_\s]+/g, ' ');
      const row = parseRow({ caption }, 'caption', options, drawsOf(moment, index), [picture]);
      return rowSample(row, folder, picture);
    },
  };
}

async function readCaption(
  folder: PictureFolder,
  name: string,
  picture: string,
  texts: ReadonlySet<string>,
): Promise<string> {
  if (!texts.has(name))
    throw new DataError(`${picture} has no caption`, `write ${name}, or leave out what cannot be read (onBadSample)`);
  // A link among the captions must not bring in other files either.
  const bytes = await readBoundedFile(await folder.path(name), MAX_CAPTION);
  const caption = decodeUtf8(bytes, name).trim();
  if (caption === '') throw new DataError(`${name} is empty`, 'write what the picture shows');
  return caption;
}

/** A table of `file_name` and other columns. @throws DataError naming file and line */
async function openTable(description: SourceDescription): Promise<BlockedSource> {
  const { path, columns } = description;
  const rows: Rows = /\.jsonl$/i.test(path) ? await JsonRecords.open(path) : await readTable(path);
  return openRows(rows, description, {
    name: (index) => `${path}#${index}`,
    files: (row) => filesOf(row, columns?.image),
  });
}

/** Pictures under `file_name` or `file_names`; undefined where a row names them otherwise. */
function filesOf(value: unknown, told: string | undefined): string[] | undefined {
  const row = asObject(value, 'the row');
  if (told !== undefined) return undefined;
  const many = asList(row['file_names'], 'file_names', MAX_PICTURES);
  if (many !== undefined) return many.map((each, i) => asText(each, `file_names[${i}]`));
  const one = row['file_name'];
  return one === undefined || one === null ? undefined : [asText(one, 'file_name')];
}

async function readTable(path: string): Promise<Rows> {
  const text = decodeUtf8(await readBoundedFile(path, MAX_TABLE), path);
  const rows = parseCsv(text, path, /\.tsv$/i.test(path) ? '\t' : ',');
  return {
    length: rows.length,
    read: async (index) => rows[index]!.row,
    place: async (index) => `${path}:${rows[index]!.line}`,
  };
}
