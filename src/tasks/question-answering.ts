import type { AnswerOptions, LoadedModel } from '../auto/index.ts';
import { DataError } from '../core/index.ts';
import type { Picture } from '../data/index.ts';
import { SEEING } from './captioning.ts';
import { type Answer, ask, collect } from './conversation.ts';
import { unfit } from './unfit.ts';

/** The words with which LLaVA 1.5 was taught to answer in brief (Liu et al. 2023, arXiv 2310.03744, table 7). */
const BRIEFLY = 'Answer the question using a single word or phrase.';

/**
 * Answers a question about pictures; BLIP about one.
 * @param options.brief asks for a word or two, which BLIP answers anyway
 * @throws CheckpointError when the model does not answer about pictures, DataError when it takes fewer of them
 */
export async function vqa(
  model: LoadedModel,
  pictures: Picture | readonly Picture[],
  question: string,
  options: AnswerOptions & { brief?: boolean } = {},
): Promise<Answer> {
  const { brief = false, ...rest } = options;
  const list = 'data' in pictures ? [pictures] : pictures;
  if (model.kind === 'question') {
    if (list.length !== 1)
      throw new DataError(`BLIP looks at one picture, not ${list.length}`, 'ask about each picture by itself');
    return collect(model.answer(list[0]!, question, rest));
  }
  if (model.kind !== 'language' || !model.readsPictures) throw unfit(model, 'answer about pictures', SEEING);
  return ask(model, brief ? `${question}\n${BRIEFLY}` : question, list, rest);
}
