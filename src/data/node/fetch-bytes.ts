import { DataError } from '../../core/index.ts';

export interface FetchOptions {
  /** Asked about every address, those that others lead to included. */
  readonly allow: (url: URL) => boolean;
  /** Most bytes; what sends more is left. */
  readonly maxBytes: number;
  /** For everything together, in milliseconds; 20,000 unless told. */
  readonly timeout?: number;
  /** How often an address may lead to another one; 5 unless told. */
  readonly maxRedirects?: number;
  readonly signal?: AbortSignal;
}

/**
 * Fetches a file from the web, within bounds of size, time and redirections.
 * @returns its bytes, and the address as errors call it: without passwords
 * @throws DataError, or the signal's reason when it is that which ended it
 */
export async function fetchBytes(
  address: URL,
  { allow, maxBytes, timeout = 20_000, maxRedirects = 5, signal }: FetchOptions,
): Promise<{ bytes: Uint8Array; name: string }> {
  const name = nameOf(address);
  const limit = AbortSignal.timeout(timeout);
  const stop = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  try {
    const response = await follow(address, stop, allow, maxRedirects);
    return { bytes: await readBounded(response, name, maxBytes), name };
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    if (cause instanceof DataError) throw cause;
    if (limit.aborted)
      throw new DataError(`${name} did not arrive within ${timeout / 1000} s`, 'try again, or give a file', { cause });
    throw new DataError(`${name} cannot be fetched: ${reason(cause)}`, 'check the address and the network', { cause });
  }
}

async function follow(
  address: URL,
  signal: AbortSignal,
  allow: (url: URL) => boolean,
  maxRedirects: number,
): Promise<Response> {
  let url = address;
  for (let hops = 0; ; hops++) {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new DataError(`${nameOf(address)} leads to ${url.protocol} and not to the web`, 'give another address');
    if (url.username !== '' || url.password !== '')
      throw new DataError(`${nameOf(url)}: addresses with a password are not fetched`, 'fetch it yourself');
    if (!allow(url))
      throw new DataError(
        `${nameOf(url)} may not be fetched`,
        hops === 0 ? 'fetching must be allowed by the caller; or give a file' : `${nameOf(address)} leads there`,
      );
    const response = await fetch(url, { redirect: 'manual', signal });
    const next = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && next !== null) {
      await response.body?.cancel();
      if (hops >= maxRedirects)
        throw new DataError(
          `${nameOf(address)} leads on more than ${maxRedirects} times`,
          'give the address it ends at',
        );
      url = new URL(next, url);
      continue;
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw new DataError(`${nameOf(url)} answers ${response.status}`, 'check the address');
  }
}

async function readBounded(response: Response, name: string, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (): DataError =>
    new DataError(`${name} is larger than ${maxBytes} bytes`, 'make it smaller, or raise the limit');
  const { body } = response;
  if (Number(response.headers.get('content-length') ?? 0) > maxBytes) {
    await body?.cancel();
    throw tooLarge();
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the rest.
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > maxBytes) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** An address without user, password and query, which may be secret. */
function nameOf({ origin, pathname }: URL): string {
  const name = `${origin}${pathname}`;
  return name.length > 200 ? `${name.slice(0, 197)}…` : name;
}

/** Fetch hides what happened in the cause. */
function reason(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return (inner instanceof Error ? inner.message : String(inner)).slice(0, 200);
}
