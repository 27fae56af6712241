/** How an answer is made, from what requests say of it. */
import type { Prompt, TextOptions } from '../../generate/index.ts';
import { ApiError } from '../errors.ts';
import type { ServedModel } from '../pool/served-model.ts';
import { constraintFor, type WantedFormat } from './response-format.ts';

/** Tokens of an answer where the request does not say, so that a model that finds no end does not go on for ever. */
const USUAL_LENGTH = 1024;

/** What a request says of its answer; what it leaves out is null or absent. */
export interface WantedAnswer {
  readonly maxTokens?: number | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly topP?: number | null | undefined;
  readonly topK?: number | null | undefined;
  readonly minP?: number | null | undefined;
  readonly repetitionPenalty?: number | null | undefined;
  readonly presencePenalty?: number | null | undefined;
  readonly frequencyPenalty?: number | null | undefined;
  readonly seed?: number | null | undefined;
  readonly stop?: string | readonly string[] | null | undefined;
  readonly answers?: number | null | undefined;
  readonly logProbabilities?: boolean | null | undefined;
  readonly alternatives?: number | null | undefined;
  readonly format: WantedFormat;
  /** Whether JSON comes to its end within the tokens that there are, rather than to be cut off. */
  readonly whole?: boolean | null | undefined;
}

/**
 * Options of generation. An answer may be as long as the request says, as far as the model has room.
 * @throws ApiError when the prompt leaves no room, or the form cannot be kept to
 */
export function answeringOptions(
  served: ServedModel,
  prompt: Prompt,
  wanted: WantedAnswer,
  signal: AbortSignal,
): TextOptions {
  const { decoding, tokenizer } = served.language().parts;
  const room = decoding.maxLength - prompt.tokens.length;
  if (room < 1)
    throw new ApiError(
      400,
      `the messages have ${prompt.tokens.length} tokens, and ${served.id} holds ${decoding.maxLength} with the answer`,
      { param: 'messages', code: 'context_length_exceeded', hint: 'shorten them' },
    );
  const { topP, topK, stop, alternatives, format } = wanted;
  const maxNewTokens = Math.min(wanted.maxTokens ?? USUAL_LENGTH, room);
  const constraint = constraintFor(format, tokenizer, wanted.whole === true ? maxNewTokens : undefined);
  // No share of the probability at all is the likeliest token alone.
  const greedy = topP === 0 || topK === 1;
  return {
    signal,
    maxNewTokens,
    ...given('temperature', greedy ? 0 : wanted.temperature),
    ...given('topP', topP === 0 ? undefined : topP),
    ...given('topK', topK === 0 ? undefined : topK),
    ...given('minP', wanted.minP),
    ...given('repetitionPenalty', wanted.repetitionPenalty),
    ...given('presencePenalty', wanted.presencePenalty),
    ...given('frequencyPenalty', wanted.frequencyPenalty),
    ...given('seed', wanted.seed),
    ...given('answers', wanted.answers),
    ...(stop === null || stop === undefined ? {} : { stop: typeof stop === 'string' ? [stop] : stop }),
    ...(wanted.logProbabilities === true ? { logProbabilities: true } : {}),
    ...(alternatives === null || alternatives === undefined || alternatives === 0 ? {} : { alternatives }),
    ...(constraint === undefined ? {} : { constraint }),
  };
}

function given<Key extends string, Value>(key: Key, value: Value | null | undefined): Partial<Record<Key, Value>> {
  return value === null || value === undefined ? {} : ({ [key]: value } as Partial<Record<Key, Value>>);
}
