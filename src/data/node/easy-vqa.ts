import { createReadStream } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import { extract } from 'tar-stream';
import { z } from 'zod';

import { DataError } from '../../core/index.ts';
import type { ReportProgress } from '../dataset.ts';
import {
  EASY_VQA_ANSWERS,
  EasyVqaDataset,
  type EasyVqaOptions,
  type EasyVqaQuestion,
  type EasyVqaSplit,
} from '../easy-vqa.ts';
import { decodeUtf8 } from '../text.ts';
import { trainTokenizer } from '../tokenizer-trainer.ts';
import type { TextTokenizer } from '../tokenizer.ts';
import { decodePicture } from './decode.ts';

/** URL for a dataset description. */
export const EASY_VQA_MODULE: string = import.meta.url;

type SplitName = 'train' | 'test';

/** The files of one split as they were found, not yet looked into. */
interface RawSplit {
  questions?: Uint8Array;
  readonly images: Map<number, Uint8Array>;
}

const MAX_QUESTIONS_BYTES = 64 * 2 ** 20;
const MAX_IMAGE_BYTES = 2 ** 20;
const MAX_IMAGES = 100_000;
const MAX_IMAGE_PIXELS = 512 * 512;
const HINT =
  'give a folder or tar of the official layout: answers.txt, and in train/ and test/ questions.json and images/0.png …';

/**
 * Reads one split of easy-VQA from a folder or a tar (plain or gzipped) of the official layout. A tar is read in memory;
 * nothing is unpacked.
 * @throws DataError naming what is missing or damaged
 */
export async function readEasyVqa(path: string, split: SplitName, report?: ReportProgress): Promise<EasyVqaSplit> {
  const { images, questions } = await readSplit(path, split);
  return { ...(await decodeImages(images, path, split, report)), questions };
}

/** The questions of one split alone; no picture is decoded. @throws DataError */
export async function readEasyVqaQuestions(path: string, split: SplitName): Promise<readonly EasyVqaQuestion[]> {
  return (await readSplit(path, split)).questions;
}

async function readSplit(
  path: string,
  split: SplitName,
): Promise<Pick<RawSplit, 'images'> & Pick<EasyVqaSplit, 'questions'>> {
  let folder: boolean;
  try {
    folder = (await stat(path)).isDirectory();
  } catch (cause) {
    throw new DataError(`${path} does not exist`, HINT, { cause });
  }
  const raw = folder ? await readFolder(path, split) : await readTar(path, split);
  if (raw.questions === undefined) throw new DataError(`${path} holds no ${split}/questions.json`, HINT);
  const questions = parseQuestions(raw.questions, `${path}: ${split}/questions.json`, raw.images.size);
  return { images: raw.images, questions };
}

async function readFolder(path: string, split: SplitName): Promise<RawSplit> {
  const raw: RawSplit = { images: new Map() };
  const read = async (file: string, limit: number): Promise<Uint8Array> => {
    const { size } = await stat(file);
    if (size > limit) throw new DataError(`${file} is larger than ${limit} bytes`, HINT);
    return readFile(file);
  };
  try {
    raw.questions = await read(join(path, split, 'questions.json'), MAX_QUESTIONS_BYTES);
    const names = (await readdir(join(path, split, 'images'))).filter((name) => /^\d{1,6}\.png$/.test(name));
    if (names.length > MAX_IMAGES) throw new DataError(`${path} holds more than ${MAX_IMAGES} pictures`, HINT);
    for (const name of names)
      raw.images.set(Number.parseInt(name, 10), await read(join(path, split, 'images', name), MAX_IMAGE_BYTES));
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${path} cannot be read as easy-VQA: ${(cause as Error).message}`, HINT, { cause });
  }
  return raw;
}

async function readTar(path: string, split: SplitName): Promise<RawSplit> {
  const raw: RawSplit = { images: new Map() };
  // The layout may lie in one folder, as in a repository's archive.
  const pattern = new RegExp(String.raw`^(?:\./)?(?:[^/]+/)?${split}/(?:(questions\.json)|images/(\d{1,6})\.png)$`);
  const entries = extract();
  entries.on('entry', (header, stream, next) => {
    const match = header.type === 'file' ? pattern.exec(header.name) : null;
    if (match === null) {
      stream.on('end', next).resume();
      return;
    }
    const limit = match[1] === undefined ? MAX_IMAGE_BYTES : MAX_QUESTIONS_BYTES;
    const tooMuch =
      (header.size ?? 0) > limit
        ? `${header.name} is larger than ${limit} bytes`
        : raw.images.size >= MAX_IMAGES
          ? `more than ${MAX_IMAGES} pictures`
          : undefined;
    if (tooMuch !== undefined) {
      entries.destroy(new DataError(`${path}: ${tooMuch}`, HINT));
      return;
    }
    const chunks: Uint8Array[] = [];
    stream.on('data', (chunk) => chunks.push(chunk as Uint8Array));
    stream.on('error', (error) => entries.destroy(error));
    stream.on('end', () => {
      const bytes = Buffer.concat(chunks);
      if (match[1] === undefined) raw.images.set(Number.parseInt(match[2]!, 10), bytes);
      else raw.questions = bytes;
      next();
    });
  });
  try {
    if (/\.t?gz$/.test(path)) await pipeline(createReadStream(path), createGunzip(), entries);
    else await pipeline(createReadStream(path), entries);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${path} cannot be read as a tar file: ${(cause as Error).message}`, HINT, { cause });
  }
  return raw;
}

const ANSWER_INDEX = new Map<string, number>(EASY_VQA_ANSWERS.map((answer, i) => [answer, i]));
const questionsSchema = z.array(z.tuple([z.string().min(1).max(1000), z.string(), z.int().nonnegative()]));

function parseQuestions(bytes: Uint8Array, where: string, imageCount: number): EasyVqaQuestion[] {
  let json: unknown;
  try {
    json = JSON.parse(decodeUtf8(bytes, where));
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${where} is not valid JSON`, HINT, { cause });
  }
  const parsed = questionsSchema.safeParse(json);
  if (!parsed.success)
    throw new DataError(
      `${where} is no list of [question, answer, image]: ${z.prettifyError(parsed.error).split('\n')[0]}`,
      HINT,
    );
  return parsed.data.map(([text, answerText, image], i) => {
    const answer = ANSWER_INDEX.get(answerText);
    if (answer === undefined)
      throw new DataError(
        `${where}: question ${i} has the unknown answer ${JSON.stringify(answerText.slice(0, 40))}`,
        `answers are ${EASY_VQA_ANSWERS.join(', ')}`,
      );
    if (image >= imageCount)
      throw new DataError(`${where}: question ${i} asks about image ${image}, but there are ${imageCount}`, HINT);
    return { text, answer, image };
  });
}

/** All pictures of a split side by side; they must be numbered without gaps and of one size. */
async function decodeImages(
  images: ReadonlyMap<number, Uint8Array>,
  path: string,
  split: SplitName,
  report?: ReportProgress,
): Promise<Omit<EasyVqaSplit, 'questions'>> {
  const name = (i: number): string => `${path}: ${split}/images/${i}.png`;
  const decode = async (i: number) => {
    const bytes = images.get(i);
    if (bytes === undefined) throw new DataError(`${name(i)} is missing`, HINT);
    return decodePicture(bytes, name(i), { maxPixels: MAX_IMAGE_PIXELS });
  };
  if (images.size === 0) throw new DataError(`${path} holds no pictures in ${split}/images`, HINT);
  const { width, height } = await decode(0);
  const size = width * height * 3;
  const pixels = new Uint8Array(new SharedArrayBuffer(images.size * size));
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < images.size) {
      const i = next++;
      const picture = await decode(i);
      if (picture.width !== width || picture.height !== height)
        throw new DataError(`${name(i)} is ${picture.width} × ${picture.height}, others ${width} × ${height}`, HINT);
      pixels.set(picture.data, i * size);
      report?.(++done, images.size, `easy-VQA pictures (${split})`);
    }
  };
  await Promise.all(Array.from({ length: 4 }, lane));
  return { imageCount: images.size, width, height, pixels };
}

/**
 * Reads the split once, into memory that workers share. @throws DataError
 * @public
 */
export function prepare(options: EasyVqaOptions, report?: ReportProgress): Promise<EasyVqaSplit> {
  return readEasyVqa(options.path, options.split === 'test' ? 'test' : 'train', report);
}

/**
 * Called in each worker.
 * @public
 */
export function create(options: EasyVqaOptions, data: EasyVqaSplit): EasyVqaDataset {
  return new EasyVqaDataset(options, data);
}

/** A tokenizer made from the training questions. @throws DataError */
export async function makeEasyVqaTokenizer(path: string, vocabSize = 300): Promise<TextTokenizer> {
  const questions = await readEasyVqaQuestions(path, 'train');
  return trainTokenizer(questions.map(({ text }) => text), { vocabSize }); // prettier-ignore
}
