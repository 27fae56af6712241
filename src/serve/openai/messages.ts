/** Conversations as OpenAI's interface has them. */
import { z } from 'zod';
import type { Message, MessagePart } from '../../auto/index.ts';
import type { PictureReader } from '../context.ts';
import { ApiError, invalid, unsupported } from '../errors.ts';

const MAX_TEXT = 1_000_000;
const MAX_MESSAGES = 1000;
const MAX_PARTS = 200;
/** Pictures of one request. */
const MAX_PICTURES = 32;

interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

interface PicturePart {
  readonly type: 'image_url';
  readonly image_url: string | { readonly url: string };
}

interface RefusalPart {
  readonly type: 'refusal';
  readonly refusal: string;
}

/** A text or a picture. */
export type ContentPart = TextPart | PicturePart;

export type RequestMessages = readonly (
  | { readonly role: 'system' | 'developer'; readonly content: string | readonly TextPart[] }
  | { readonly role: 'user'; readonly content: string | readonly ContentPart[] }
  | {
      readonly role: 'assistant';
      readonly content?: string | readonly (TextPart | RefusalPart)[] | null | undefined;
      readonly tool_calls?: readonly unknown[] | null | undefined;
    }
)[];

const text = z.string().max(MAX_TEXT);
/** A data URL is bounded by the size of the body. */
const pictureUrl = z.string().min(1);

const textPart = z.looseObject({ type: z.literal('text'), text });
const picturePart = z.looseObject({
  type: z.literal('image_url'),
  image_url: z.union([pictureUrl, z.looseObject({ url: pictureUrl, detail: z.string().max(20).nullish() })]),
});
const refusalPart = z.looseObject({ type: z.literal('refusal'), refusal: text });
const anyPart = z.discriminatedUnion('type', [textPart, picturePart]);
const assistantPart = z.discriminatedUnion('type', [textPart, refusalPart]);
const texts = z.union([text, z.array(textPart).min(1).max(MAX_PARTS)]);

export const contentPart: z.ZodType<ContentPart> = anyPart;

export const messages: z.ZodType<RequestMessages> = z
  .array(
    z.discriminatedUnion('role', [
      z.looseObject({ role: z.enum(['system', 'developer']), content: texts }),
      z.looseObject({ role: z.literal('user'), content: z.union([text, z.array(anyPart).min(1).max(MAX_PARTS)]) }),
      z.looseObject({
        role: z.literal('assistant'),
        content: z.union([text, z.array(assistantPart).max(MAX_PARTS)]).nullish(),
        tool_calls: z.array(z.unknown()).nullish(),
      }),
    ]),
  )
  .min(1)
  .max(MAX_MESSAGES);

/**
 * Messages as models take them, pictures being fetched and decoded.
 * @param where how errors call a place
 * @throws ApiError for what no model here does, and for pictures that cannot be read, with their place
 */
export async function readMessages(
  given: RequestMessages,
  openPicture: PictureReader,
  signal: AbortSignal,
  where: (message: number, part?: number) => string = placeInMessages,
): Promise<Message[]> {
  const partsOf = ({ content }: RequestMessages[number]): readonly (ContentPart | RefusalPart)[] =>
    typeof content === 'string' ? [] : (content ?? []);
  const count = given.flatMap(partsOf).filter(({ type }) => type === 'image_url').length;
  if (count > MAX_PICTURES)
    throw invalid('messages', `the messages hold ${count} pictures`, `send ${MAX_PICTURES} at most`);
  const read: Message[] = [];
  for (const [i, each] of given.entries()) {
    const { role, content } = each;
    if (each.role === 'assistant' && (each.tool_calls?.length ?? 0) > 0)
      throw unsupported(`${where(i)}.tool_calls`, 'models here call no tools', 'leave tool calls out');
    const parts: MessagePart[] = [];
    for (const [j, part] of partsOf(each).entries()) parts.push(await readPart(part, where(i, j), openPicture, signal));
    read.push({ role: role === 'developer' ? 'system' : role, content: typeof content === 'string' ? content : parts });
  }
  return read;
}

function placeInMessages(message: number, part?: number): string {
  return `messages[${message}]${part === undefined ? '' : `.content[${part}]`}`;
}

/** @param where the part's place in the request */
export async function readPart(
  part: ContentPart | RefusalPart,
  where: string,
  openPicture: PictureReader,
  signal: AbortSignal,
): Promise<MessagePart> {
  if (part.type === 'text') return { type: 'text', text: part.text };
  if (part.type === 'refusal') return { type: 'text', text: part.refusal };
  const url = typeof part.image_url === 'string' ? part.image_url : part.image_url.url;
  return { type: 'image', image: await readPicture(url, `${where}.image_url`, openPicture, signal) };
}

/** @throws ApiError naming the place in the request */
export async function readPicture(
  url: string,
  where: string,
  openPicture: PictureReader,
  signal: AbortSignal,
): ReturnType<PictureReader> {
  try {
    return await openPicture(url, signal);
  } catch (cause) {
    if (signal.aborted || cause instanceof ApiError || !(cause instanceof Error) || !('said' in cause)) throw cause;
    const { said, hint } = cause as { said: string; hint?: string };
    throw new ApiError(400, said, { hint, param: where, code: 'invalid_image', cause });
  }
}
