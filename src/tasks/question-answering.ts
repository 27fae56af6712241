import type { AnswerOptions, LoadedModel } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import { SEEING } from './captioning.ts';
import { type Answer, ask } from './conversation.ts';
import { unfit } from './unfit.ts';

/** The words with which LLaVA 1.5 was taught to answer in brief (Liu et al. 2023, arXiv 2310.03744, table 7). */
const BRIEFLY = 'Answer the question using a single word or phrase.';

/** Answers a question about pictures. @param options.brief asks for a word or two */
export async function vqa(
  model: LoadedModel,
  pictures: Picture | readonly Picture[],
  question: string,
  options: AnswerOptions & { brief?: boolean } = {},
): Promise<Answer> {
  if (model.kind !== 'language' || !model.readsPictures) throw unfit(model, 'answer about pictures', SEEING);
  const { brief = false, ...rest } = options;
  const list = 'data' in pictures ? [pictures] : pictures;
  return ask(model, brief ? `${question}\n${BRIEFLY}` : question, list, rest);
}
