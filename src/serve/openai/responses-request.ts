/** `POST /v1/responses`: what is sent. */
import { z } from 'zod';
import { unsupported } from '../errors.ts';
import { modelName } from './chat-request.ts';
import type { ContentPart, RequestMessages } from './messages.ts';
import { textFormat, type TextFormat } from './response-format.ts';

const MAX_TEXT = 1_000_000;
const MAX_ITEMS = 1000;
const MAX_PARTS = 200;
const LOG_PROBABILITIES = 'message.output_text.logprobs';

type InputPart =
  | { readonly type: 'input_text' | 'output_text' | 'text'; readonly text: string }
  | { readonly type: 'refusal'; readonly refusal: string }
  | {
      readonly type: 'input_image';
      readonly image_url?: string | null | undefined;
      readonly file_id?: string | null | undefined;
    };

interface InputMessage {
  readonly type?: 'message' | null | undefined;
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  readonly content: string | readonly InputPart[];
}

/** What is read of a request; absent and null are the same. */
export interface ResponsesRequest {
  readonly model: string;
  readonly input: string | readonly (InputMessage | { readonly type: 'reasoning' })[];
  readonly instructions?: string | null | undefined;
  readonly max_output_tokens?: number | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly top_logprobs?: number | null | undefined;
  readonly text?: { readonly format?: TextFormat | null | undefined } | null | undefined;
  readonly include?: readonly string[] | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
  readonly tools?: readonly unknown[] | null | undefined;
  readonly tool_choice?: unknown;
  readonly previous_response_id?: string | null | undefined;
  readonly conversation?: unknown;
  readonly prompt?: unknown;
  readonly background?: boolean | null | undefined;
}

const text = z.string().max(MAX_TEXT);
const inputPart = z.discriminatedUnion('type', [
  z.looseObject({ type: z.enum(['input_text', 'output_text', 'text']), text }),
  z.looseObject({ type: z.literal('refusal'), refusal: text }),
  z.looseObject({
    type: z.literal('input_image'),
    image_url: z.string().min(1).nullish().describe('A data URL, or an address where the server may fetch them.'),
    file_id: z.string().nullish(),
    detail: z.string().max(20).nullish(),
  }),
]);
const inputMessage = z.looseObject({
  type: z.literal('message').nullish(),
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([text, z.array(inputPart).max(MAX_PARTS)]),
});
/** Comes back from clients that send all that they got; models here write none. */
const reasoning = z.looseObject({ type: z.literal('reasoning') });

/** Fields that are not here are taken and left aside. Nothing is stored, whatever `store` says. */
export const responsesRequest: z.ZodType<ResponsesRequest> = z.looseObject({
  model: modelName,
  input: z.union([
    text,
    z
      .array(z.union([inputMessage, reasoning]))
      .min(1)
      .max(MAX_ITEMS),
  ]),
  instructions: text.nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  text: z.looseObject({ format: textFormat.nullish() }).nullish(),
  include: z.array(z.string().max(100)).max(20).nullish().describe(`${LOG_PROBABILITIES} is known.`),
  stream: z.boolean().nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  tools: z.array(z.unknown()).nullish().describe('Refused where it is not empty: models here call no tools.'),
  tool_choice: z.unknown().optional(),
  previous_response_id: z.string().nullish().describe('Refused: nothing is stored.'),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
  background: z.boolean().nullish(),
});

/** @throws ApiError for what OpenAI's interface has and this server does not do */
export function refuseUnsupported(request: ResponsesRequest): void {
  const { tools, tool_choice, background } = request;
  if ((tools?.length ?? 0) > 0)
    throw unsupported('tools', 'models here call no tools', 'ask for JSON with text.format instead');
  if (typeof tool_choice === 'object' ? tool_choice !== null : tool_choice === 'required')
    throw unsupported('tool_choice', 'models here call no tools', 'leave tool_choice out');
  for (const name of ['previous_response_id', 'conversation', 'prompt'] as const)
    if (request[name] !== null && request[name] !== undefined)
      throw unsupported(name, 'this server stores nothing', 'send the whole conversation as input');
  if (background === true) throw unsupported('background', 'answers are made while you wait', 'leave it out');
}

export function wantsLogProbabilities({ include, top_logprobs }: ResponsesRequest): boolean {
  return include?.includes(LOG_PROBABILITIES) === true || (top_logprobs ?? 0) > 0;
}

/** The conversation as chat completions have it, and where its messages stand in the request. */
export function conversationOf({ input, instructions }: ResponsesRequest): {
  readonly messages: RequestMessages;
  readonly where: (message: number, part?: number) => string;
} {
  const messages: RequestMessages[number][] = [];
  const places: (number | undefined)[] = [];
  if (instructions !== null && instructions !== undefined && instructions !== '') {
    messages.push({ role: 'system', content: instructions });
    places.push(undefined);
  }
  if (typeof input === 'string') {
    messages.push({ role: 'user', content: input });
    places.push(undefined);
  } else
    for (const [i, item] of input.entries()) {
      if (!('role' in item)) continue;
      messages.push(messageOf(item, `input[${i}]`));
      places.push(i);
    }
  return {
    messages,
    where: (message, part) => {
      const place = places[message];
      return `input${place === undefined ? '' : `[${place}]`}${part === undefined ? '' : `.content[${part}]`}`;
    },
  };
}

function messageOf({ role, content }: InputMessage, where: string): RequestMessages[number] {
  if (typeof content === 'string') return { role, content };
  const parts = content.map((part, j): ContentPart => {
    if (part.type === 'refusal') return { type: 'text', text: part.refusal };
    if (part.type !== 'input_image') return { type: 'text', text: part.text };
    if (role !== 'user')
      throw unsupported(`${where}.content[${j}]`, `messages of the ${role} hold no pictures`, 'send it as the user');
    if (typeof part.image_url !== 'string')
      throw unsupported(`${where}.content[${j}].file_id`, 'this server stores no files', 'send image_url, a data URL');
    return { type: 'image_url', image_url: part.image_url };
  });
  // Only the user's have pictures, which was seen to.
  return { role, content: parts } as RequestMessages[number];
}
