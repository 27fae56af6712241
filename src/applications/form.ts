/** The form of an application's answers: as JSON schema for the model, and as a check of what came. */
import { z } from 'zod';
import { GenerationError } from '../core/index.ts';
import { type Application, type Language, LANGUAGES, WARNING } from './application.ts';

/** An answer that has its form, with its warning first where one is due. */
export type ApplicationAnswer = Readonly<Record<string, unknown>>;

/** @param language of the warning; either where absent */
function formOf({ answer, warning }: Application, language?: Language): z.ZodObject {
  if (warning === undefined) return answer;
  const either = z.enum(LANGUAGES.map((each) => warning[each]));
  const said = language === undefined ? either : z.literal(warning[language]);
  // First, so that an answer that breaks off has it too.
  return z.strictObject({ [WARNING]: said, ...answer.shape });
}

/** JSON schema (2020-12) of the answers. @param language of the warning; either where absent */
export function schemaOf(application: Application, language?: Language): Readonly<Record<string, unknown>> {
  const { $schema: _, ...schema } = z.toJSONSchema(formOf(application, language));
  return schema;
}

/**
 * What a model wrote, checked. The warning comes from here, whatever the model wrote in its place.
 * @throws GenerationError when it is no answer of this form
 */
export function readAnswer(application: Application, text: string, language: Language): ApplicationAnswer {
  const hint = 'give more tokens, or use a larger model';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new GenerationError(`the answer is no whole JSON: ${text.slice(0, 200)}`, hint);
  }
  const { warning } = application;
  const given = typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {};
  const said = warning === undefined ? given : { ...given, [WARNING]: warning[language] };
  const read = formOf(application, language).safeParse(said);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue === undefined ? '' : `${issue.path.join('.')}: ${issue.message}`;
  throw new GenerationError(`the answer does not have the form of ${application.id}: ${where}`, hint);
}
