import type { LanguageModel, LoadedModel } from '../auto/index.ts';
import type { Picture, SamplePicture } from '../data/index.ts';
import type { Prompt } from '../generate/index.ts';
import { vqa } from './question-answering.ts';
import { questionParts } from './conversation.ts';

/** A question about one picture. Questions about the same picture share its object, and stand side by side. */
export interface PictureQuestion {
  readonly picture: SamplePicture;
  readonly question: string;
  /** Most tokens of the answer. */
  readonly maxNewTokens: number;
}

/** How many questions are asked. */
export interface ManyOptions {
  /** Most questions that are answered together; 64 unless told. */
  readonly batch?: number;
  /** Called as answers come, with how many are there. */
  readonly progress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

const BATCH = 64;
/** Most tokens of all rows of a batch together: their keys and values are in memory at once. */
const MAX_TOKENS = 16_384;
/** Batches whose questions are looked at together, so that questions of equal length come into one batch. */
const WINDOW = 4;

/**
 * Greedy answers to many questions, those of about equal length together. Each is the answer that the question gets when
 * it is asked alone, except for rounding.
 * @returns texts in the order of the questions
 * @throws CheckpointError when the model does not answer about pictures, DataError for pictures that cannot be read
 */
export async function askMany(
  model: LoadedModel,
  questions: readonly PictureQuestion[],
  options: ManyOptions = {},
): Promise<string[]> {
  const { batch = BATCH, progress, signal } = options;
  const texts: string[] = Array.from({ length: questions.length }, () => '');
  if (model.kind !== 'language' || !model.readsPictures) {
    for (const [i, { picture, question, maxNewTokens }] of questions.entries()) {
      signal?.throwIfAborted();
      texts[i] = (await vqa(model, await picture.open(), question, { maxNewTokens })).text;
      progress?.(i + 1);
    }
    return texts;
  }
  let done = 0;
  for (let start = 0; start < questions.length; start += batch * WINDOW) {
    const asked = await prepare(model, questions.slice(start, start + batch * WINDOW), start);
    for (const rows of batches(asked, batch)) {
      signal?.throwIfAborted();
      const generation = { maxNewTokens: rows[0]!.maxNewTokens, temperature: 0, ...(signal ? { signal } : {}) };
      const prompts = rows.map(({ prompt }) => prompt);
      for await (const { text, token } of model.answers(prompts, generation)) texts[rows[token.row]!.index] += text;
      progress?.((done += rows.length));
    }
  }
  return texts;
}

interface AskedQuestion {
  readonly index: number;
  readonly prompt: Prompt;
  readonly maxNewTokens: number;
}

async function prepare(
  model: LanguageModel,
  questions: readonly PictureQuestion[],
  start: number,
): Promise<AskedQuestion[]> {
  const asked: AskedQuestion[] = [];
  let last: { readonly of: SamplePicture; readonly picture: Picture } | undefined;
  for (const [i, { picture, question, maxNewTokens }] of questions.entries()) {
    if (last?.of !== picture) last = { of: picture, picture: await picture.open() };
    const prompt = await model.prompt([{ role: 'user', content: questionParts(question, [last.picture]) }]);
    asked.push({ index: start + i, prompt, maxNewTokens });
  }
  return asked;
}

/** Questions that may have answers of equal length together, from short prompts to long ones. */
function batches(asked: readonly AskedQuestion[], most: number): AskedQuestion[][] {
  const length = ({ prompt }: AskedQuestion): number => prompt.tokens.length;
  const sorted = asked.toSorted((a, b) => a.maxNewTokens - b.maxNewTokens || length(a) - length(b));
  const result: AskedQuestion[][] = [];
  for (const question of sorted) {
    const last = result.at(-1);
    const tokens = ((last?.length ?? 0) + 1) * (length(question) + question.maxNewTokens);
    if (last === undefined || last.length === most || tokens > MAX_TOKENS) result.push([question]);
    else if (last[0]!.maxNewTokens === question.maxNewTokens) last.push(question);
    else result.push([question]);
  }
  return result;
}
