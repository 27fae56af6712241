import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AnswerOptions, LoadedModel } from '../../auto/index.ts';
import { DataError } from '../../core/index.ts';
import { collect } from '../arguments.ts';

/** What an answer must look like; at most one of them. */
export interface ConstraintFlags {
  readonly jsonSchema?: string;
  readonly regex?: string;
  readonly choice?: readonly string[];
}

export function addConstraintOptions(command: Command): Command {
  return command
    .option('--json-schema <file>', 'the answer is JSON of this JSON schema')
    .option('--regex <pattern>', 'the whole answer matches this regular expression')
    .option('--choice <text>', 'the answer is one of the choices; may be repeated', collect);
}

/**
 * The constraint in terms of the model's tokens.
 * @throws DataError for several at once, a file that cannot be read, and models that do not write by tokens
 */
export async function constraintOptions(
  { jsonSchema, regex, choice }: ConstraintFlags,
  model: LoadedModel,
): Promise<Pick<AnswerOptions, 'constraint'>> {
  const count = [jsonSchema, regex, choice].filter((value) => value !== undefined).length;
  if (count === 0) return {};
  if (count > 1) throw new DataError('an answer has one form only', 'give one of --json-schema, --regex and --choice');
  if (model.kind !== 'language')
    throw new DataError(`${model.name} does not write its answers`, 'leave the form of the answer out');
  const vocabulary = model.parts.tokenizer.tokenBytes();
  const { choicesConstraint, jsonSchemaConstraint, regexConstraint } = await import('../../generate/index.ts');
  if (jsonSchema !== undefined) return { constraint: jsonSchemaConstraint(await readJson(jsonSchema), vocabulary) };
  if (regex !== undefined) return { constraint: regexConstraint(regex, vocabulary) };
  return { constraint: choicesConstraint(choice ?? [], vocabulary) };
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`${file} cannot be read as a JSON schema: ${reason}`, 'give a file that holds JSON', { cause });
  }
}
