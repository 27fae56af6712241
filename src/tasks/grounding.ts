import type { AnswerOptions, LoadedModel } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import type { GroundedAnswer } from '../models/index.ts';
import { type Answer, ask } from './conversation.ts';
import { unfit } from './unfit.ts';

/** Where something is, with what the model wrote. */
export interface Grounded extends GroundedAnswer {
  readonly answer: Answer;
}

/**
 * Points at what a phrase describes.
 * @param phrase such as "the red cup"
 * @returns boxes in pixels of the picture as it was given
 * @throws CheckpointError when the model was not taught to point
 */
export async function ground(
  model: LoadedModel,
  picture: Picture,
  phrase: string,
  options: AnswerOptions = {},
): Promise<Grounded> {
  const grounding = model.kind === 'language' ? model.parts.processor?.grounding : undefined;
  if (model.kind !== 'language' || grounding === undefined) throw unfit(model, 'point at things', 'Qwen2.5-VL');
  const answer = await ask(model, grounding.question(phrase), [picture], { maxNewTokens: 512, ...options });
  return { ...grounding.read(answer.text, picture), answer };
}
