import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { DataError, Random } from '../../core/index.ts';
import { readBoundedFile } from '../../data/formats/node/open-file.ts';
import { parseJson } from '../../data/formats/parse-json.ts';
import { decodeUtf8, type SamplePicture } from '../../data/index.ts';
import { openPicture } from '../../data/node/index.ts';
import type { PictureSuite, SuiteQuestion } from '../suites/index.ts';

const MAX_BYTES = 256 * 2 ** 20;
const text = z.string().min(1).max(10_000);
const row = z.looseObject({
  image: z.string().min(1).max(4096),
  question: text,
  /** One of both. */
  answer: text.optional(),
  answers: z.array(text).min(1).max(100).optional(),
  id: z.union([z.string().max(1000), z.number()]).optional(),
  kind: z.string().min(1).max(100).optional(),
  language: z
    .string()
    .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/)
    .optional(),
});

export interface VqaJsonlOptions {
  /** That many questions, drawn by chance. */
  readonly count?: number;
  readonly seed?: number;
  /** Stands behind every question, as models are told that are to answer in brief. */
  readonly instruction?: string;
}

/**
 * Questions from a file with one JSON object a line: `image` (a path, from the file's folder), `question`, `answer` or
 * `answers` (what people said), and perhaps `id`, `kind` and `language`.
 * @throws DataError naming the line that is wrong
 */
export async function openVqaJsonl(path: string, options: VqaJsonlOptions = {}): Promise<PictureSuite> {
  const pictures = new Map<string, SamplePicture>();
  const questions: SuiteQuestion[] = [];
  for (const [n, line] of (await readLines(path)).entries()) {
    if (line.trim() === '') continue;
    const { image, question, answer, answers, id, kind, language } = parseLine(line, `${path}, line ${n + 1}`);
    const known = pictures.get(image) ?? {
      name: image,
      open: () => openPicture(/^data:/i.test(image) ? image : resolve(dirname(path), image)),
    };
    pictures.set(image, known);
    questions.push({
      id: String(id ?? n + 1),
      picture: known,
      language: language ?? 'en',
      kind: kind ?? 'all',
      question: options.instruction === undefined ? question : `${question}\n${options.instruction}`,
      answers: answers ?? [answer!],
      people: true,
    });
  }
  if (questions.length === 0) throw new DataError(`${path} holds no questions`, 'write one JSON object a line');
  return { name: 'vqa-jsonl', questions: drawn(questions, options) };
}

/** Those of one picture stay side by side. */
function drawn(questions: readonly SuiteQuestion[], { count, seed = 0 }: VqaJsonlOptions): SuiteQuestion[] {
  const places = questions.map((_, i) => i);
  if (count !== undefined) new Random(seed).shuffle(places).splice(count);
  const first = new Map<SamplePicture, number>();
  for (const [i, question] of questions.entries()) if (!first.has(question.picture)) first.set(question.picture, i);
  return places
    .sort((a, b) => first.get(questions[a]!.picture)! - first.get(questions[b]!.picture)! || a - b)
    .map((i) => questions[i]!);
}

function parseLine(line: string, where: string): z.infer<typeof row> {
  let json: unknown;
  try {
    json = parseJson(line);
  } catch (cause) {
    throw new DataError(`${where} is not JSON`, 'write one JSON object a line', { cause });
  }
  const parsed = row.safeParse(json);
  if (!parsed.success)
    throw new DataError(`${where}: ${z.prettifyError(parsed.error).split('\n')[0]}`, 'give image, question and answer');
  if ((parsed.data.answer === undefined) === (parsed.data.answers === undefined))
    throw new DataError(`${where} must have one of answer and answers`, 'say what is right');
  return parsed.data;
}

async function readLines(path: string): Promise<string[]> {
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw new DataError(`${path} cannot be read`, 'check the path', { cause });
  });
  return decodeUtf8(await readBoundedFile(path, MAX_BYTES), path).split(/\r?\n/);
}
