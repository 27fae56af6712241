/** `POST /v1/responses`: what comes back, whole. */
import { z } from 'zod';
import type { Finish } from './chat-answer.ts';
import { type TokenLogProbability, tokenLogProbability } from './log-probabilities.ts';
import type { ResponsesRequest } from './responses-request.ts';

export interface OutputText {
  readonly type: 'output_text';
  readonly text: string;
  readonly annotations: readonly never[];
  readonly logprobs: readonly TokenLogProbability[];
}

export type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed';

export interface OutputMessage {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  readonly status: Status;
  readonly content: readonly OutputText[];
}

export interface ResponsesUsage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
}

/** What of an answer changes while it is written. */
interface Progress {
  readonly status: Status;
  readonly output: readonly OutputMessage[];
  readonly usage: ResponsesUsage | null;
  readonly incomplete_details: { readonly reason: 'max_output_tokens' } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The answer, with what was asked for in its other fields. */
export interface ResponseObject extends Progress {
  readonly id: string;
  readonly object: 'response';
  readonly created_at: number;
  readonly model: string;
  readonly [asked: string]: unknown;
}

const status = z.enum(['in_progress', 'completed', 'incomplete', 'failed']);

export const responseObject: z.ZodType<ResponseObject> = z.looseObject({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int(),
  model: z.string(),
  status,
  output: z.array(
    z.object({
      id: z.string(),
      type: z.literal('message'),
      role: z.literal('assistant'),
      status,
      content: z.array(
        z.object({
          type: z.literal('output_text'),
          text: z.string(),
          annotations: z.array(z.never()),
          logprobs: z.array(tokenLogProbability),
        }),
      ),
    }),
  ),
  usage: z
    .object({
      input_tokens: z.int(),
      input_tokens_details: z.object({ cached_tokens: z.int() }),
      output_tokens: z.int(),
      output_tokens_details: z.object({ reasoning_tokens: z.int() }),
      total_tokens: z.int(),
    })
    .nullable(),
  incomplete_details: z.object({ reason: z.literal('max_output_tokens') }).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

/** What of an answer stays the same. */
export interface ResponseHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly request: ResponsesRequest;
}

export function responseOf({ id, created, model, request }: ResponseHead, progress: Progress): ResponseObject {
  return {
    id,
    object: 'response',
    created_at: created,
    model,
    ...progress,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: false,
    previous_response_id: null,
    store: false,
    temperature: request.temperature ?? null,
    text: { format: request.text?.format ?? { type: 'text' } },
    tool_choice: 'none',
    tools: [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? null,
    truncation: 'disabled',
  };
}

/** An answer that is under way. */
export const UNDER_WAY: Progress = {
  status: 'in_progress',
  output: [],
  usage: null,
  incomplete_details: null,
  error: null,
};

/** An answer that is whole, or as long as it may be. */
export function ended(message: OutputMessage, finish: Finish, usage: ResponsesUsage): Progress {
  return {
    status: statusOf(finish),
    output: [message],
    usage,
    incomplete_details: finish === 'length' ? { reason: 'max_output_tokens' } : null,
    error: null,
  };
}

export function statusOf(finish: Finish): 'completed' | 'incomplete' {
  return finish === 'length' ? 'incomplete' : 'completed';
}

/** @param read tokens of the prompt, of which `known` were kept from before */
export function responsesUsage(read: number, known: number, written: number): ResponsesUsage {
  return {
    input_tokens: read,
    input_tokens_details: { cached_tokens: known },
    output_tokens: written,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: read + written,
  };
}
