/** Answers in a given form: any JSON, or JSON of a schema. */
import { z } from 'zod';
import type { CheckpointTokenizer } from '../../data/index.ts';
import { DataError, GenerationError, Recent } from '../../core/index.ts';
import { type ConstraintFactory, jsonSchemaConstraint, wholeJson } from '../../generate/index.ts';
import { ApiError } from '../errors.ts';

type PlainFormat = { readonly type: 'text' } | { readonly type: 'json_object' };

/** `response_format` of chat completions. */
export type ResponseFormat =
  | PlainFormat
  | { readonly type: 'json_schema'; readonly json_schema: { readonly schema?: JsonObject | null | undefined } };

/** `text.format` of responses. */
export type TextFormat = PlainFormat | { readonly type: 'json_schema'; readonly schema: JsonObject };

type JsonObject = Readonly<Record<string, unknown>>;

const schema = z.record(z.string(), z.unknown());
const text = z.looseObject({ type: z.literal('text') });
const object = z.looseObject({ type: z.literal('json_object') });
const about = {
  name: z.string().max(64),
  description: z.string().max(10_000).nullish(),
  strict: z.boolean().nullish(),
};

export const responseFormat: z.ZodType<ResponseFormat> = z.discriminatedUnion('type', [
  text,
  object,
  z.looseObject({
    type: z.literal('json_schema'),
    json_schema: z.looseObject({ ...about, schema: schema.nullish() }),
  }),
]);

export const textFormat: z.ZodType<TextFormat> = z.discriminatedUnion('type', [
  text,
  object,
  z.looseObject({ type: z.literal('json_schema'), ...about, schema }),
]);

/** What is asked of the form; a schema comes with its place in the request. */
export type WantedFormat =
  | { readonly kind: 'text' }
  | { readonly kind: 'object' }
  | { readonly kind: 'schema'; readonly schema: unknown; readonly param: string };

export function wantedOfChat(format: ResponseFormat | null | undefined): WantedFormat {
  if (format?.type === 'json_object') return { kind: 'object' };
  if (format?.type !== 'json_schema') return { kind: 'text' };
  const { schema } = format.json_schema;
  return schema === null || schema === undefined
    ? { kind: 'object' }
    : { kind: 'schema', schema, param: 'response_format.json_schema.schema' };
}

export function wantedOfResponse(format: TextFormat | null | undefined): WantedFormat {
  if (format?.type === 'json_object') return { kind: 'object' };
  if (format?.type !== 'json_schema') return { kind: 'text' };
  return { kind: 'schema', schema: format.schema, param: 'text.format.schema' };
}

/** Constraints that are kept for each tokenizer: applications ask with the same few schemas again and again. */
const KEPT = 32;
const kept = new WeakMap<CheckpointTokenizer, Recent<ConstraintFactory>>();

/**
 * @param within tokens after which the answer is to be whole, where that is asked for
 * @throws ApiError for a schema that cannot be kept to, or not within so many tokens
 */
export function constraintFor(
  format: WantedFormat,
  tokenizer: CheckpointTokenizer,
  within?: number,
): ConstraintFactory | undefined {
  if (format.kind === 'text') return undefined;
  const schema = format.kind === 'object' ? { type: 'object' } : format.schema;
  const known = kept.get(tokenizer) ?? new Recent<ConstraintFactory>(KEPT);
  kept.set(tokenizer, known);
  const key = JSON.stringify(schema);
  try {
    const constraint = known.get(key, () => jsonSchemaConstraint(schema, tokenizer.tokenBytes()));
    if (within === undefined) return constraint;
    return withRoom(() => wholeJson(constraint, schema, tokenizer, within));
  } catch (cause) {
    if (!(cause instanceof GenerationError || cause instanceof DataError)) throw cause;
    const param = format.kind === 'schema' ? format.param : 'response_format';
    throw new ApiError(400, cause.said, { param, hint: cause.hint, code: 'invalid_json_schema', cause });
  }
}

/** @throws ApiError where not even the shortest answer has room */
function withRoom(make: () => ConstraintFactory): ConstraintFactory {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof GenerationError)) throw cause;
    throw new ApiError(400, cause.said, {
      param: 'sensorium.whole',
      hint: cause.hint,
      code: 'no_room_for_form',
      cause,
    });
  }
}
