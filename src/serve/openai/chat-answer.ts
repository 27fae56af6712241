/** `POST /v1/chat/completions`: what comes back. */
import { z } from 'zod';
import { type TokenLogProbability, tokenLogProbability } from './log-probabilities.ts';

export type Finish = 'stop' | 'length';

export interface ChoiceLogProbabilities {
  readonly content: readonly TokenLogProbability[];
  readonly refusal: null;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface ChatCompletion {
  readonly id: string;
  readonly object: 'chat.completion';
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly message: { readonly role: 'assistant'; readonly content: string; readonly refusal: null };
    readonly logprobs: ChoiceLogProbabilities | null;
    readonly finish_reason: Finish;
  }[];
  readonly usage: Usage;
}

/** Where the model looked before it wrote a token. */
export interface TokenMap {
  /** Row by row; adds up to 1. */
  readonly map: readonly number[];
  readonly grid: { readonly rows: number; readonly cols: number };
}

export interface ChunkChoice {
  readonly index: number;
  readonly delta: { readonly role?: 'assistant' | undefined; readonly content?: string | undefined };
  readonly logprobs: ChoiceLogProbabilities | null;
  readonly finish_reason: Finish | null;
  /** Where maps are asked for, beside OpenAI's interface. */
  readonly sensorium?: TokenMap | undefined;
}

export interface ChatChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChunkChoice[];
  readonly usage?: Usage | null | undefined;
}

const logprobs = z.object({ content: z.array(tokenLogProbability), refusal: z.null() }).nullable();
const finish = z.enum(['stop', 'length']);

export const usage: z.ZodType<Usage> = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.object({ cached_tokens: z.int() }),
});

export const chatCompletion: z.ZodType<ChatCompletion> = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
      logprobs,
      finish_reason: finish,
    }),
  ),
  usage,
});

export const chatChunk: z.ZodType<ChatChunk> = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      delta: z.object({ role: z.literal('assistant').optional(), content: z.string().optional() }),
      logprobs,
      finish_reason: finish.nullable(),
      sensorium: z.object({ map: z.array(z.number()), grid: z.object({ rows: z.int(), cols: z.int() }) }).optional(),
    }),
  ),
  usage: usage.nullish(),
});
