import { ApiError } from '../errors.ts';
import type { BodyShare } from './body-room.ts';

/**
 * The body of a request as text, refused as soon as it is known to be too large: by what it says of itself, or else when so
 * much has come. Nothing more is read then.
 * @param maxBytes most bytes  @param share of the room for all bodies
 * @throws ApiError for a body that is too large, packed, or not UTF-8, and while others take all the room
 */
export async function boundedText(request: Request, maxBytes: number, share?: BodyShare): Promise<string> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  // A few kilobytes may unpack to gigabytes; nobody needs it here.
  if (encoding.trim().toLowerCase() !== 'identity')
    throw new ApiError(415, 'the body is packed', { hint: 'send it without Content-Encoding', code: 'packed_body' });
  const said = Number(request.headers.get('content-length') ?? 0);
  if (said > maxBytes) {
    await request.body?.cancel().catch(() => {});
    throw tooLarge(maxBytes);
  }
  if (request.body === null) return '';
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const reader = request.body.getReader();
  let text = '';
  let length = 0;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      length += part.value.length;
      const refused =
        length > maxBytes ? tooLarge(maxBytes) : share?.take(part.value.length) === false ? noRoom() : undefined;
      if (refused !== undefined) {
        await reader.cancel().catch(() => {});
        throw refused;
      }
      text += decoder.decode(part.value, { stream: true });
    }
    return text + decoder.decode();
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    if (cause instanceof TypeError && /encoded data was not valid/i.test(cause.message))
      throw new ApiError(400, 'the body is not UTF-8', { hint: 'encode it so', code: 'invalid_utf8', cause });
    throw new ApiError(400, 'the body ended before it was whole', {
      hint: 'send it again',
      code: 'cut_off_body',
      cause,
    });
  }
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(413, `the body is larger than ${maxBytes} bytes`, {
    hint: 'send smaller pictures, or fewer',
    code: 'body_too_large',
  });
}

function noRoom(): ApiError {
  return new ApiError(429, 'other requests bring more than there is room for just now', {
    type: 'rate_limit_error',
    hint: 'ask again in a second',
    code: 'no_room',
    headers: { 'Retry-After': '1' },
  });
}
