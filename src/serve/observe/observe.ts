/** Follows each request from its first byte to the last one of its answer, which may be a stream. */
import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { ServeEnv } from '../context.ts';
import type { Observer, RequestEnd, RequestRecord } from './request-record.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const MAX_ID = 64;

/**
 * The outermost middleware: gives each request an id (`X-Request-Id`, the client's own where that is harmless) and a record,
 * and tells the observer when the request is over, however that was.
 * @param clock milliseconds that never go back
 */
export function observe(
  observer: Observer,
  clock: () => number = () => performance.now(),
): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    const start = clock();
    const id = idOf(c.req.header('x-request-id'));
    const { method } = c.req;
    const record: RequestRecord = {
      id,
      method: METHODS.has(method) ? method : 'OTHER',
      // Known before any handler runs, so that failures have it too.
      route: routeOf(c),
      status: 500,
      ended: 'broken',
      time: Date.now(),
      seconds: 0,
    };
    c.set('requestId', id);
    c.set('record', record);
    c.set('started', start);
    observer.began?.();
    let over = false;
    const end = (how: RequestEnd): void => {
      if (over) return;
      over = true;
      record.ended = how;
      record.seconds = (clock() - start) / 1000;
      c.get('share')?.giveBack();
      observer.ended?.(record);
    };
    try {
      await next();
    } catch (error) {
      // Hono's own error handler comes before this; what arrives here is beyond it.
      observer.failed?.(record, error);
      end('broken');
      throw error;
    }
    record.status = c.res.status;
    const left = c.req.raw.signal.aborted;
    c.res.headers.set('X-Request-Id', id);
    const { body } = c.res;
    if (body === null || !isStream(c.res)) {
      end(left ? 'left' : 'answered');
      return;
    }
    // Assigning to `c.res` would merge headers: a new response has them all.
    const { status, statusText, headers } = c.res;
    const followed = new Response(follow(body, end), { status, statusText, headers: new Headers(headers) });
    c.res = undefined;
    c.res = followed;
  };
}

function isStream(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') === true;
}

/** The same bytes, one by one as they are asked for; how they ended is told. */
function follow(body: ReadableStream<Uint8Array>, end: (how: RequestEnd) => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            end('answered');
            controller.close();
          } else controller.enqueue(value);
        } catch (error) {
          end('broken');
          controller.error(error);
        }
      },
      async cancel(reason) {
        end('left');
        await reader.cancel(reason);
      },
    },
    // Holds nothing back itself, so that a slow reader is felt by whoever writes.
    { highWaterMark: 0 },
  );
}

/** The first pattern that matched and is not of a middleware: what catches all the rest comes after the others. */
function routeOf(c: Context<ServeEnv>): string {
  return matchedRoutes(c).find(({ method }) => method !== 'ALL')?.path ?? 'none';
}

function idOf(given: string | undefined): string {
  return given !== undefined && given.length <= MAX_ID && /^[\w.-]+$/.test(given)
    ? given
    : `req_${crypto.randomUUID().replaceAll('-', '')}`;
}
