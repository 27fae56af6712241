/** `POST /v1/chat/completions`: what is sent. */
import { z } from 'zod';
import { unsupported } from '../errors.ts';
import { messages, type RequestMessages } from './messages.ts';
import { responseFormat, type ResponseFormat } from './response-format.ts';

/** Most answers to one request. */
const MAX_ANSWERS = 8;

/** What is read of a request; absent and null are the same. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: RequestMessages;
  readonly max_completion_tokens?: number | null | undefined;
  readonly max_tokens?: number | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly top_k?: number | null | undefined;
  readonly min_p?: number | null | undefined;
  readonly repetition_penalty?: number | null | undefined;
  readonly presence_penalty?: number | null | undefined;
  readonly frequency_penalty?: number | null | undefined;
  readonly seed?: number | null | undefined;
  readonly n?: number | null | undefined;
  readonly stop?: string | readonly string[] | null | undefined;
  readonly logprobs?: boolean | null | undefined;
  readonly top_logprobs?: number | null | undefined;
  readonly response_format?: ResponseFormat | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly stream_options?: { readonly include_usage?: boolean | null | undefined } | null | undefined;
  readonly tools?: readonly unknown[] | null | undefined;
  readonly tool_choice?: unknown;
  readonly functions?: readonly unknown[] | null | undefined;
  readonly logit_bias?: Readonly<Record<string, number>> | null | undefined;
  readonly modalities?: readonly string[] | null | undefined;
  readonly audio?: unknown;
  readonly sensorium?:
    | { readonly maps?: boolean | null | undefined; readonly whole?: boolean | null | undefined }
    | null
    | undefined;
}

const BESIDE = 'Beside OpenAI’s interface.';
const penalty = z.number().min(-2).max(2).nullish();
const list = z.array(z.unknown()).nullish();

export const modelName: z.ZodType<string> = z
  .string()
  .min(1)
  .max(400)
  .describe('Name of a model, or `model:adapter`; GET /v1/models lists them.');

/** Fields that are not here are taken and left aside, as clients send many. */
export const chatRequest: z.ZodType<ChatRequest> = z.looseObject({
  model: modelName,
  messages,
  max_completion_tokens: z.int().min(1).nullish(),
  max_tokens: z.int().min(1).nullish().describe('The older name of max_completion_tokens.'),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .nullish()
    .describe('0 takes the likeliest token. Where it is absent the model says, in generation_config.json.'),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).max(100_000).nullish().describe(BESIDE),
  min_p: z.number().min(0).max(1).nullish().describe(BESIDE),
  repetition_penalty: z.number().min(0.01).max(10).nullish().describe(BESIDE),
  presence_penalty: penalty,
  frequency_penalty: penalty,
  seed: z.int().nullish(),
  n: z.int().min(1).max(MAX_ANSWERS).nullish(),
  stop: z.union([z.string().min(1).max(1000), z.array(z.string().min(1).max(1000)).max(16)]).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  response_format: responseFormat.nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  tools: list.describe('Refused where it is not empty: models here call no tools.'),
  tool_choice: z.unknown().optional(),
  functions: list,
  logit_bias: z.record(z.string(), z.number()).nullish().describe('Refused where it is not empty.'),
  modalities: z.array(z.string()).nullish(),
  audio: z.unknown().optional(),
  sensorium: z
    .looseObject({ maps: z.boolean().nullish(), whole: z.boolean().nullish() })
    .nullish()
    .describe(
      `${BESIDE} maps: each chunk of a stream says where the model looked in the last picture. ` +
        'whole: JSON of response_format comes to its end within max_completion_tokens, rather than to be cut off.',
    ),
});

/** @throws ApiError for what OpenAI's interface has and models here do not do, rather than to answer as if it were not asked */
export function refuseUnsupported(request: ChatRequest): void {
  const { tools, tool_choice, functions, logit_bias, modalities, audio, logprobs, top_logprobs } = request;
  for (const [name, value] of Object.entries({ tools, functions }))
    if ((value?.length ?? 0) > 0)
      throw unsupported(name, 'models here call no tools', 'ask for JSON with response_format instead');
  if (typeof tool_choice === 'object' ? tool_choice !== null : tool_choice === 'required')
    throw unsupported('tool_choice', 'models here call no tools', 'leave tool_choice out');
  if (Object.keys(logit_bias ?? {}).length > 0)
    throw unsupported('logit_bias', 'tokens cannot be made likelier one by one', 'leave logit_bias out');
  if (modalities?.some((modality) => modality !== 'text') === true || (audio !== undefined && audio !== null))
    throw unsupported('modalities', 'answers are texts', 'leave audio out');
  if (request.sensorium?.maps === true && (request.stream !== true || (request.n ?? 1) > 1))
    throw unsupported('sensorium.maps', 'maps come with the tokens of one streamed answer', 'set stream, leave n out');
  if ((top_logprobs ?? 0) > 0 && logprobs !== true)
    throw unsupported('top_logprobs', 'top_logprobs needs logprobs', 'set logprobs to true');
}
