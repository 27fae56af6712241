import type { AnswerOptions, LoadedModel } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import { type Answer, ask, collect } from './conversation.ts';
import { unfit } from './unfit.ts';

/** Models that look at pictures, for messages. */
export const SEEING = 'SmolVLM, LLaVA, LLaVA-OneVision, Qwen2.5-VL or BLIP';

const INSTRUCTION = 'Describe this picture in one sentence.';

/**
 * Describes a picture.
 * @param options.instruction what the model is told, where it takes instructions, which BLIP does not
 * @throws CheckpointError when the model does not describe pictures
 */
export async function caption(
  model: LoadedModel,
  picture: Picture,
  options: AnswerOptions & { instruction?: string } = {},
): Promise<Answer> {
  if (model.kind === 'captioner') {
    const { instruction: _, ...rest } = options;
    return collect(model.answer(picture, '', rest));
  }
  if (model.kind !== 'language' || !model.readsPictures) throw unfit(model, 'describe pictures', SEEING);
  const { instruction = INSTRUCTION, ...rest } = options;
  return ask(model, instruction, [picture], { maxNewTokens: 64, ...rest });
}
