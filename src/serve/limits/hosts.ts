/** Which names a server answers to, and which pages may ask it. */
import type { Context, MiddlewareHandler, Next } from 'hono';
import { DataError } from '../../core/index.ts';
import { ApiError } from '../errors.ts';

/** How loopback is called, in the `Host` header and as an address to listen on. */
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** Whether an address to listen on can be reached from this machine alone. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.has(address.toLowerCase()) || /^127(\.\d{1,3}){3}$/.test(address);
}

/**
 * Answers only requests that call the server by one of its names. A page of another site may let its own name point to
 * 127.0.0.1 (DNS rebinding) and would then be of the same origin; but the name stays in the `Host` header.
 * @param listensOn the address that the server is bound to  @param names more names that it has, without ports
 */
export function checkHost(listensOn: string, names: readonly string[] = []): MiddlewareHandler {
  const known = new Set([...LOOPBACK, listensOn.toLowerCase(), ...names.map((name) => name.toLowerCase())]);
  // Beyond loopback a server does not know all its names, unless it is told.
  const open = !isLoopback(listensOn) && names.length === 0;
  return async (c: Context, next: Next) => {
    const name = hostName(c.req.header('host'));
    if (name === undefined || (!open && !known.has(name)))
      throw new ApiError(403, 'this server does not answer to that name', {
        type: 'permission_error',
        code: 'unknown_host',
        hint: 'ask it by the address that it printed, or start it with that name allowed',
      });
    await next();
  };
}

/** The name in a `Host` header, without the port. */
function hostName(header: string | undefined): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header ?? '')?.[1]?.toLowerCase();
}

/**
 * Cross-origin requests: none unless their origin is on the list. Beside the answers to preflights, which keep pages from
 * reading, a foreign origin is refused outright, so that a page cannot make the server work either.
 * @param origins such as `https://app.example`; `*` lets all in, without credentials
 * @throws DataError for what is no origin
 */
export function checkOrigin(origins: readonly string[] = []): MiddlewareHandler {
  const known = new Set(origins.map(originOf));
  return async (c: Context, next: Next) => {
    const origin = c.req.header('origin');
    if (origin === undefined) return next();
    if (isOwn(origin, c)) return next();
    if (!known.has('*') && !known.has(origin.toLowerCase()))
      throw new ApiError(403, 'pages of that origin may not ask this server', {
        type: 'permission_error',
        code: 'foreign_origin',
        hint: 'start it with the origin allowed',
      });
    const headers: Record<string, string> = {
      'Access-Control-Allow-Origin': known.has('*') ? '*' : origin,
      Vary: 'Origin',
    };
    if (c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined)
      return c.body(null, 204, {
        ...headers,
        'Access-Control-Allow-Methods': 'GET, POST, DELETE',
        'Access-Control-Allow-Headers': 'Authorization, Content-Type',
        'Access-Control-Max-Age': '600',
      });
    await next();
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
    c.res.headers.set('Access-Control-Expose-Headers', 'X-Request-Id, Retry-After');
  };
}

/** Whether a page comes from this very server: browsers send the origin then too, when they post. */
function isOwn(origin: string, c: Context): boolean {
  return /^https?:\/\//.test(origin) && origin.replace(/^https?:\/\//, '') === c.req.header('host');
}

function originOf(text: string): string {
  if (text === '*') return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.origin !== text.toLowerCase().replace(/\/$/, ''))
    throw new DataError(
      `'${text.slice(0, 100)}' is no origin`,
      'write it as https://app.example or http://localhost:5173',
    );
  return url.origin;
}
