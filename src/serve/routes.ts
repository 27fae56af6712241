/** All that the server answers: one table, from which routes are mounted and the OpenAPI document is written. */
import type { z } from 'zod';
import type { ServeContext, Services } from './context.ts';
import { chatCompletions } from './openai/chat.ts';
import { chatChunk, chatCompletion } from './openai/chat-answer.ts';
import { chatRequest } from './openai/chat-request.ts';
import { listModels, modelEntry, modelList, oneModel } from './openai/models.ts';

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As hono writes it: `/v1/models/:id`. */
  readonly path: string;
  readonly summary: string;
  readonly request?: z.ZodType;
  /** Absent where the answer is no JSON. */
  readonly response?: z.ZodType;
  /** Status of a good answer; 200 unless told. */
  readonly status?: number;
  /** What each event of a streamed answer holds. */
  readonly event?: z.ZodType;
  readonly handle: (c: ServeContext, services: Services) => Response | Promise<Response>;
}

export const ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/chat/completions',
    summary: 'Answers a conversation, about pictures too.',
    request: chatRequest,
    response: chatCompletion,
    event: chatChunk,
    handle: chatCompletions,
  },
  {
    method: 'GET',
    path: '/v1/models',
    summary: 'The models and their adapters.',
    response: modelList,
    handle: listModels,
  },
  {
    method: 'GET',
    // Names of the Hub have a slash.
    path: '/v1/models/:id{.+}',
    summary: 'One of them.',
    response: modelEntry,
    handle: oneModel,
  },
];
