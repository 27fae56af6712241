import type { AnswerOptions, LanguageModel } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import { type Answer, ask } from './conversation.ts';

const INSTRUCTION = 'Describe this picture in one sentence.';

/** Describes a picture. @param options.instruction what the model is told, where it takes instructions */
export async function caption(
  model: LanguageModel,
  picture: Picture,
  options: AnswerOptions & { instruction?: string } = {},
): Promise<Answer> {
  const { instruction = INSTRUCTION, ...rest } = options;
  return ask(model, instruction, [picture], { maxNewTokens: 64, ...rest });
}
