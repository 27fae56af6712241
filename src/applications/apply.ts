import type { AnswerOptions, LanguageModel, Message } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import { jsonSchemaConstraint, wholeJson } from '../generate/index.ts';
import { SensoriumVL } from '../models/index.ts';
import { collect, questionParts } from '../tasks/index.ts';
import { type Application, type Language, promptOf, type Texts } from './application.ts';
import { type ApplicationAnswer, readAnswer, schemaOf } from './form.ts';

/** What an application is given. */
export interface ApplicationInput {
  readonly picture: Picture;
  /** What the user adds. */
  readonly text?: string | undefined;
  readonly language: Language;
}

/** An answer with what people should know of it. */
export interface Applied {
  readonly application: string;
  readonly language: Language;
  readonly answer: ApplicationAnswer;
  /** What was found in it, and whether the model was made for such pictures. */
  readonly notes: readonly string[];
}

/** Tokens of an answer unless told. */
const TOKENS = 1024;

const UNTRAINED: Texts = {
  en: 'this model knows drawings of emoji and was not trained for such tasks: the form of the answer is right, its contents are not to be relied on',
  zh: '该模型只学过表情符号图画，未针对此类任务训练：回答的格式正确，内容不可信',
};

/** The conversation in which a model is asked. */
export function messagesOf(application: Application, { picture, text, language }: ApplicationInput): Message[] {
  return [
    { role: 'system', content: application.system[language] },
    { role: 'user', content: questionParts(promptOf(application, language, text), [picture]) },
  ];
}

/**
 * Asks a model; its answer has the application's form whatever it would have said, and comes to an end in time.
 * @throws DataError for a model that reads no pictures, GenerationError where it cannot hold a whole answer
 */
export async function apply(
  model: LanguageModel,
  application: Application,
  input: ApplicationInput,
  options: AnswerOptions = {},
): Promise<Applied> {
  const { language } = input;
  const { tokenizer, decoding, source } = model.parts;
  const prompt = await model.prompt(messagesOf(application, input), options.variables);
  const schema = schemaOf(application, language);
  const maxNewTokens = Math.min(options.maxNewTokens ?? TOKENS, decoding.maxLength - prompt.tokens.length);
  const form = jsonSchemaConstraint(schema, tokenizer.tokenBytes());
  const constraint = wholeJson(form, schema, tokenizer, maxNewTokens);
  const { text } = await collect(model.answer(prompt, { ...options, maxNewTokens, constraint }));
  const answer = readAnswer(application, text, language);
  const found = application.review?.(answer, language) ?? [];
  const untrained = source?.model instanceof SensoriumVL ? [UNTRAINED[language]] : [];
  return { application: application.id, language, answer, notes: [...found, ...untrained] };
}
