/** Requests to the server that sent the page, and to no other. */

/** Why a request failed. `kind` chooses the words that people read; `detail` is what the server said. */
export class ApiError extends Error {
  readonly kind: 'offline' | 'key' | 'busy' | 'large' | 'refused' | 'server' | 'garbled';
  readonly detail: string;
  /** Seconds after which another try makes sense. */
  readonly retryAfter: number | undefined;

  constructor(kind: ApiError['kind'], detail: string, retryAfter?: number) {
    super(detail);
    this.name = 'ApiError';
    this.kind = kind;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

/** Kept in memory only: closing the page forgets it. */
let apiKey = '';

export function setApiKey(key: string): void {
  apiKey = key.trim();
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** @throws ApiError, or the AbortError of the signal */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const { body, signal } = options;
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (apiKey !== '') headers['authorization'] = `Bearer ${apiKey}`;
  let response: Response;
  try {
    response = await fetch(path, {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError('offline', error instanceof Error ? error.message : String(error));
  }
  if (!response.ok) throw await failure(response);
  return response;
}

/** @throws ApiError, also when the answer is no JSON object */
export async function requestJson(path: string, options: RequestOptions = {}): Promise<Record<string, unknown>> {
  const response = await request(path, options);
  const value: unknown = await response.json().catch(() => undefined);
  if (!isRecord(value)) throw new ApiError('garbled', `${path} answered without a JSON object`);
  return value;
}

async function failure(response: Response): Promise<ApiError> {
  const { status } = response;
  const value: unknown = await response.json().catch(() => undefined);
  const detail = messageOf(value) ?? `${status} ${response.statusText}`.trim();
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const kind =
    status === 401 || status === 403
      ? 'key'
      : status === 429 || status === 503
        ? 'busy'
        : status === 413
          ? 'large'
          : status >= 500
            ? 'server'
            : 'refused';
  return new ApiError(kind, detail, Number.isFinite(seconds) ? seconds : undefined);
}

/** The message of `{ error: { message } }` or `{ error: "…" }`. */
export function messageOf(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const { error } = value;
  if (typeof error === 'string') return error;
  return isRecord(error) && typeof error['message'] === 'string' ? error['message'] : undefined;
}

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Server-sent events of a response (WHATWG HTML, 9.2), with fetch instead of EventSource, which can send no key. */
export async function* serverEvents(response: Response): AsyncGenerator<ServerEvent> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = '';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      // A carriage return at the end of a chunk may be the first half of a line's end.
      rest += value ?? '';
      const lines = rest.split(done ? /\r\n|\r|\n/ : /\r\n|\r(?!$)|\n/);
      rest = done ? '' : lines.pop()!;
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event: event || 'message', data: data.join('\n') };
          event = '';
          data = [];
          continue;
        }
        const colon = line.indexOf(':');
        const field = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'data') data.push(text);
        else if (field === 'event') event = text;
      }
      if (done) return;
    }
  } finally {
    // Leaving early tells the server to stop.
    await reader.cancel().catch(() => undefined);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value where it is a text, else the text in its place. */
export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
