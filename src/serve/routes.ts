/** All that the server answers: one table, from which routes are mounted and the OpenAPI document is written. */
import { z } from 'zod';
import type { ServeContext, Services } from './context.ts';
import { chatCompletions } from './openai/chat.ts';
import { explainAnswer, explainRequest, explanation } from './explain/explain.ts';
import { chatChunk, chatCompletion } from './openai/chat-answer.ts';
import { chatRequest } from './openai/chat-request.ts';
import { embeddings, embeddingsList, embeddingsRequest } from './openai/embeddings.ts';
import { listModels, modelEntry, modelList, oneModel } from './openai/models.ts';
import { responses } from './openai/responses.ts';
import { responseObject } from './openai/responses-answer.ts';
import { responsesRequest } from './openai/responses-request.ts';
import { classification, classifyPicture, classifyRequest } from './pictures/classify.ts';
import { grounding, groundPicture, groundRequest } from './pictures/ground.ts';

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
  /** Type of an answer that is no JSON. */
  readonly media?: string;
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
    method: 'POST',
    path: '/v1/responses',
    summary: 'The same in the form of responses. Nothing is stored.',
    request: responsesRequest,
    response: responseObject,
    event: z.looseObject({ type: z.string(), sequence_number: z.int() }),
    handle: responses,
  },
  {
    method: 'POST',
    path: '/v1/embeddings',
    summary: 'Texts and pictures as vectors of length 1 in one space.',
    request: embeddingsRequest,
    response: embeddingsList,
    handle: embeddings,
  },
  {
    method: 'POST',
    path: '/v1/ground',
    summary: 'Points at what a phrase describes.',
    request: groundRequest,
    response: grounding,
    handle: groundPicture,
  },
  {
    method: 'POST',
    path: '/v1/classify',
    summary: 'Says which of some labels fits a picture.',
    request: classifyRequest,
    response: classification,
    handle: classifyPicture,
  },
  {
    method: 'POST',
    path: '/v1/explain',
    summary: 'Shows what of a picture an answer owes to.',
    request: explainRequest,
    response: explanation,
    handle: explainAnswer,
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
  {
    method: 'GET',
    path: '/health',
    summary: 'Whether the process answers.',
    response: z.object({ status: z.literal('ok') }),
    handle: (c) => c.json({ status: 'ok' }),
  },
  {
    method: 'GET',
    path: '/ready',
    summary: 'Whether requests are answered; 503 before models are loaded and while the server ends.',
    response: z.object({ status: z.enum(['ready', 'loading', 'draining']) }),
    handle: ready,
  },
];

function ready(c: ServeContext, { draining, pool }: Services): Response {
  if (draining) return c.json({ status: 'draining' }, 503);
  return pool.size > 0 ? c.json({ status: 'ready' }) : c.json({ status: 'loading' }, 503);
}
