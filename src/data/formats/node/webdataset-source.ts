/** WebDataset: tar archives in which files of one name make a sample: `0001.jpg`, `0001.json`, `0001.txt`. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError } from '../../../core/index.ts';
import { decodePicture, MAX_BYTES } from '../../node/decode.ts';
import { decodeUtf8 } from '../../text.ts';
import type { Sample } from '../../samples.ts';
import { blockOf, type BlockedSource, type StoredPicture } from '../blocks.ts';
import type { ColumnOptions } from '../column-row.ts';
import type { SourceDescription } from '../description.ts';
import { parseJson } from '../parse-json.ts';
import { detectForm, parseRow, type RowForm } from '../parse-row.ts';
import { asObject, atPlace, MAX_PICTURES, type RawRow } from '../row.ts';
import { openFile } from './open-file.ts';
import { PictureFolder } from './pictures.ts';
import { columnOptions, drawsOf } from './row-sample.ts';
import { TarIndex, type TarMember } from './tar-index.ts';
import { PICTURE_FILE, walkFolder } from './walk.ts';

const MAX_JSON = 16 * 2 ** 20;
const MAX_TEXT = 2 ** 20;
const TEXT = /(^|\.)(txt|text|caption)$/;

/** @throws DataError when an archive is cut off or damaged, or none holds a sample */
export async function openWebDataset(description: SourceDescription): Promise<BlockedSource> {
  const { path, images = dirname(path), allowFetch = false } = description;
  const shards: TarIndex[] = [];
  const starts: number[] = [];
  let length = 0;
  for (const shard of await shardsOf(path)) {
    const index = await TarIndex.read(shard);
    if (index.length === 0) continue;
    shards.push(index);
    starts.push(length);
    length += index.length;
  }
  if (length === 0)
    throw new DataError(`${path} holds no samples`, 'give tar archives with files such as 0001.jpg and 0001.txt');
  const folder = await PictureFolder.open(images, { allowFetch });
  const options = columnOptions(description);
  return {
    length,
    blocks: starts,
    async sample(index, moment) {
      const at = blockOf(starts, index);
      const shard = shards[at]!;
      const group = index - starts[at]!;
      const place = `${shard.path}: ${shard.key(group)}`;
      try {
        return await readGroup(shard, group, folder, options, (row, form, pictures) =>
          parseRow(row, form, options, drawsOf(moment, index), pictures),
        );
      } catch (error) {
        throw atPlace(place, error);
      }
    },
  };
}

type Parse = (row: RawRow, form: RowForm, pictures: string[] | undefined) => ReturnType<typeof parseRow>;

async function readGroup(
  shard: TarIndex,
  group: number,
  folder: PictureFolder,
  options: ColumnOptions,
  parse: Parse,
): Promise<Sample> {
  const members = shard.members(group);
  const json = members.find(({ extension }) => extension === 'json');
  const text = members.find(({ extension }) => TEXT.test(extension));
  const pictures = members.filter(({ extension }) => PICTURE_FILE.test(`.${extension}`));
  if (pictures.length > MAX_PICTURES) throw new DataError(`it has ${pictures.length} pictures`, 'divide it');
  if (json === undefined && text === undefined)
    throw new DataError(
      `it has ${members
        .map(({ extension }) => extension)
        .slice(0, 10)
        .join(', ')} and no text`,
      'give each sample a .txt with its caption or a .json with its conversation',
    );
  const row: RawRow =
    json === undefined
      ? {}
      : asObject(parseJson(decodeUtf8(await readMember(shard, json, MAX_JSON), 'its .json')), 'its .json');
  const isConversation = Array.isArray(row['conversations']) || Array.isArray(row['messages']);
  // Files of web pages often come with a .txt and a .json that holds the caption among much else.
  const useText =
    text !== undefined && !isConversation && !Array.isArray(row['texts']) && options.columns === undefined;
  const used = useText
    ? { ...row, caption: decodeUtf8(await readMember(shard, text, MAX_TEXT), 'its text').trim() }
    : row;
  const names = pictures.map(({ extension }) => `${shard.key(group)}.${extension}`);
  const {
    id,
    pictures: referred,
    conversations,
  } = parse(used, useText ? 'caption' : detectForm(used, options), pictures.length > 0 ? names : undefined);
  const name = `${shard.path}: ${shard.key(group)}`;
  return {
    id: id ?? shard.key(group),
    conversations,
    pictures: referred.map((reference, i): StoredPicture => {
      const member = pictures[i];
      if (member === undefined) return folder.picture(reference, name);
      const called = `${shard.path}: ${names[i]}`;
      const bytes = async (): Promise<Uint8Array> => readMember(shard, member, MAX_BYTES);
      return { name: called, open: async () => decodePicture(await bytes(), called), bytes };
    }),
  };
}

async function readMember(shard: TarIndex, { extension, offset, size }: TarMember, most: number): Promise<Buffer> {
  if (size > most) throw new DataError(`its .${extension} has ${size} bytes, more than ${most}`, 'make it smaller');
  const file = await openFile(shard.path);
  try {
    return await file.read(offset, size);
  } finally {
    await file.close();
  }
}

const MAX_SHARDS = 100_000;

/** A file, the archives in a folder, or `name-{000..012}.tar`. */
async function shardsOf(path: string): Promise<string[]> {
  const range = /^(.*)\{(\d+)\.\.(\d+)\}(.*)$/s.exec(path);
  if (range !== null) {
    const [, before, first, last, after] = range as unknown as [string, string, string, string, string];
    const count = Number(last) - Number(first) + 1;
    if (!(count >= 1 && count <= MAX_SHARDS))
      throw new DataError(`${path} names ${count} archives`, 'give a range such as {000..012}');
    return Array.from(
      { length: count },
      (_, i) => `${before}${String(Number(first) + i).padStart(first.length, '0')}${after}`,
    );
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  return (await walkFolder(path)).filter((file) => /\.tar$/i.test(file)).map((file) => join(path, file));
}
