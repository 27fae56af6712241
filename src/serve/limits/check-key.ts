/** Who asks, and whether that one may ask now. */
import type { MiddlewareHandler } from 'hono';
import type { ServeEnv } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { ApiKey, ApiKeys } from './api-keys.ts';
import type { Quotas } from './quotas.ts';
import type { BodyRoom } from './body-room.ts';
import type { QueueLimit } from './queue-limit.ts';

/** Who asks without a key, on a server without keys. */
const ANYBODY = 'anybody';

/** Requires a key, where the server has any. */
export function checkKey(keys: ApiKeys | undefined): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    if (keys === undefined) return next();
    const key = await keys.find(c.req.header('authorization'));
    if (key === undefined)
      throw new ApiError(401, 'this server wants a key that it knows', {
        type: 'authentication_error',
        code: 'invalid_api_key',
        hint: 'send it as Authorization: Bearer KEY',
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    c.set('key', key);
    c.get('record').key = key.name;
    await next();
  };
}

/** Takes a request that makes the server work from the quota of whoever asks. */
export function checkQuota(quotas: Quotas): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    if (c.req.method !== 'POST') return next();
    const key = c.get('key');
    const admission = quotas.admit(key?.name ?? ANYBODY, key?.limits);
    if (!admission.allowed) {
      const { what, limit, seconds } = admission;
      throw tooMany(`more than ${limit} ${what} in a minute`, seconds, 'quota_exceeded');
    }
    await next();
  };
}

/** Charges what was generated to whoever asked. */
export function chargeQuota(quotas: Quotas, key: ApiKey | undefined, tokens: number): void {
  quotas.spend(key?.name ?? ANYBODY, tokens);
}

/** Sends requests away while the queue is full, before their bodies are read. */
export function refuseWhenFull(queue: QueueLimit): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    if (c.req.method === 'POST' && queue.underWay >= queue.limit) throw full(queue);
    await next();
  };
}

/** Bounds what the bodies of all requests take together, until each is over. */
export function shareRoom(room: BodyRoom): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    c.set('share', room.share());
    await next();
  };
}

/**
 * A place in the queue, for requests that make a model work.
 * @returns gives it back; further calls do nothing  @throws ApiError 429 when there is none
 */
export function enterQueue(queue: QueueLimit): () => void {
  const leave = queue.enter();
  if (leave === undefined) throw full(queue);
  return leave;
}

function full(queue: QueueLimit): ApiError {
  return tooMany(`${queue.limit} requests are under way already`, queue.retryAfter, 'queue_full');
}

function tooMany(message: string, seconds: number, code: string): ApiError {
  const wait = Math.max(1, Math.ceil(seconds));
  return new ApiError(429, message, {
    type: 'rate_limit_error',
    code,
    hint: `ask again in ${wait} s`,
    headers: { 'Retry-After': String(wait) },
  });
}
