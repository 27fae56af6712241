import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/index.ts';
import type { ServeEnv } from '../../../../src/serve/context.ts';
import { toApiError } from '../../../../src/serve/errors.ts';
import { ApiKeys } from '../../../../src/serve/limits/api-keys.ts';
import { BodyRoom } from '../../../../src/serve/limits/body-room.ts';
import { boundedText } from '../../../../src/serve/limits/bounded-text.ts';
import {
  chargeQuota,
  checkKey,
  checkQuota,
  enterQueue,
  refuseWhenFull,
  shareRoom,
} from '../../../../src/serve/limits/check-key.ts';
import { checkHost, checkOrigin, isLoopback } from '../../../../src/serve/limits/hosts.ts';
import { QueueLimit } from '../../../../src/serve/limits/queue-limit.ts';
import { Quotas } from '../../../../src/serve/limits/quotas.ts';
import { limitTime } from '../../../../src/serve/limits/time-limit.ts';
import { observe } from '../../../../src/serve/observe/observe.ts';

const KEY = 'alice-has-a-long-secret-1';

function app(): Hono<any> {
  const made = new Hono<any>();
  made.onError((error) => {
    const { status, body, headers } = toApiError(error, 'id');
    return Response.json(body, { status, headers });
  });
  return made;
}

describe('checkHost', () => {
  const asked = async (host: string | undefined, listensOn: string, names?: string[]): Promise<number> => {
    const server = app().use(checkHost(listensOn, names));
    server.get('/', (c) => c.text('here'));
    return (await server.request('/', host === undefined ? {} : { headers: { host } })).status;
  };

  it('answers to the names of this machine alone when bound to loopback', async () => {
    for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:8080', '[::1]:8080', '[::1]'])
      expect(await asked(host, '127.0.0.1')).toBe(200);
    for (const host of [undefined, '', 'evil.example', 'localhost.evil.example', 'evil.example:8080', '127.0.0.1@evil'])
      expect(await asked(host, '127.0.0.1')).toBe(403);
    expect(await asked('models.internal:80', '127.0.0.1', ['Models.internal'])).toBe(200);
  });

  it('answers to any name beyond loopback, unless names are given', async () => {
    expect(await asked('models.example', '0.0.0.0')).toBe(200);
    expect(await asked('models.example', '0.0.0.0', ['other.example'])).toBe(403);
    expect(await asked('other.example', '0.0.0.0', ['other.example'])).toBe(200);
    expect(await asked('a b', '0.0.0.0')).toBe(403);
  });

  it('knows loopback', () => {
    for (const address of ['localhost', '127.0.0.1', '127.9.9.9', '::1']) expect(isLoopback(address)).toBe(true);
    for (const address of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.example'])
      expect(isLoopback(address)).toBe(false);
  });
});

describe('checkOrigin', () => {
  const server = (origins?: string[]): Hono<any> => {
    const made = app().use(checkOrigin(origins));
    made.post('/', (c) => c.text('here'));
    return made;
  };
  const asked = (origins: string[] | undefined, headers: Record<string, string>, method = 'POST') =>
    server(origins).request('/', { method, headers: { host: 'localhost:8080', ...headers } });

  it('is closed unless told: no headers, and foreign pages are refused', async () => {
    const bare = await asked(undefined, {});
    expect(bare.status).toBe(200);
    expect([...bare.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await asked(undefined, { origin: 'http://localhost:8080' })).status).toBe(200);
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost:9090',
      'file://',
      'http://localhost:8080.evil',
    ])
      expect((await asked(undefined, { origin })).status).toBe(403);
  });

  it('lets listed origins in, preflights included', async () => {
    const origin = 'https://app.example';
    const preflight = await asked([origin], { origin, 'access-control-request-method': 'POST' }, 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization');
    const answer = await asked([origin], { origin });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect((await asked([origin], { origin: 'https://other.example' })).status).toBe(403);
    expect((await asked(['*'], { origin: 'https://other.example' })).headers.get('access-control-allow-origin')).toBe(
      '*',
    );
  });

  it.each(['app.example', 'https://app.example/path', 'ftp://app.example', 'null', ''])('%j is no origin', (text) => {
    expect(() => checkOrigin([text])).toThrow(DataError);
  });
});

describe('keys, quotas and the queue', () => {
  const server = async (quotas: Quotas, queue = new QueueLimit(10)) => {
    const made = app() as Hono<ServeEnv>;
    made.use(observe({}), checkKey(await ApiKeys.parse(`alice ${KEY} requests=3`, 'keys')), checkQuota(quotas));
    made.use(refuseWhenFull(queue));
    made.post('/', (c) => {
      const leave = enterQueue(queue);
      chargeQuota(quotas, c.get('key'), 5);
      leave();
      return c.json({ key: c.get('key')?.name, recorded: c.get('record').key });
    });
    return made;
  };
  const headers = { authorization: `Bearer ${KEY}` };

  it('asks for a key', async () => {
    const made = await server(new Quotas());
    const refused = await made.request('/', { method: 'POST' });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await refused.json()).toMatchObject({ error: { type: 'authentication_error', code: 'invalid_api_key' } });
    const answer = await made.request('/', { method: 'POST', headers });
    expect(await answer.json()).toEqual({ key: 'alice', recorded: 'alice' });
  });

  it('says when to come again', async () => {
    const made = await server(new Quotas());
    for (let i = 0; i < 3; i++) expect((await made.request('/', { method: 'POST', headers })).status).toBe(200);
    const refused = await made.request('/', { method: 'POST', headers });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBe(20);
    expect(await refused.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'quota_exceeded' } });
  });

  it('charges what was generated', async () => {
    const made = await server(new Quotas({ tokens: 5 }, () => 0));
    expect((await made.request('/', { method: 'POST', headers })).status).toBe(200);
    const refused = await made.request('/', { method: 'POST', headers });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '12']);
  });

  it('refuses beyond the queue', async () => {
    const queue = new QueueLimit(1);
    const made = await server(new Quotas(), queue);
    const leave = queue.enter()!;
    const refused = await made.request('/', { method: 'POST', headers });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    leave();
    expect((await made.request('/', { method: 'POST', headers })).status).toBe(200);
  });
});

describe('boundedText', () => {
  const post = (body: BodyInit | null, headers: Record<string, string> = {}): Request =>
    new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit);

  it('reads a body of any pieces', async () => {
    const bytes = new TextEncoder().encode('{"a": "äöü 鸟 🐦"}');
    const pieces = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect(await boundedText(post(pieces), 100)).toBe('{"a": "äöü 鸟 🐦"}');
    expect(await boundedText(post(null), 100)).toBe('');
    expect(await boundedText(post('x'.repeat(100)), 100)).toHaveLength(100);
  });

  it('stops reading what is too large', async () => {
    let sent = 0;
    let cancelled = false;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1000;
        controller.enqueue(new Uint8Array(1000).fill(97));
      },
      cancel() {
        cancelled = true;
      },
    });
    await expect(boundedText(post(endless), 5000)).rejects.toMatchObject({ status: 413, apiCode: 'body_too_large' });
    expect(sent).toBeLessThan(10_000);
    expect(cancelled).toBe(true);
    const never = new ReadableStream({ pull: () => new Promise(() => {}) });
    await expect(boundedText(post(never, { 'content-length': '5001' }), 5000)).rejects.toMatchObject({ status: 413 });
  });

  it('takes room with others, until its request is over', async () => {
    const room = new BodyRoom(150);
    const made = app() as Hono<ServeEnv>;
    made.use(observe({}), shareRoom(room));
    const waiting: (() => void)[] = [];
    made.post('/', async (c) => {
      const text = await boundedText(c.req.raw, 1000, c.get('share'));
      await new Promise<void>((resolve) => void waiting.push(resolve));
      return c.text(`${text.length}`);
    });
    const ask = (length: number) => made.request(post('x'.repeat(length)));
    const first = ask(100);
    await expect.poll(() => waiting.length).toBe(1);
    expect(room.taken).toBe(100);
    expect((await ask(60)).status).toBe(429);
    const second = ask(50);
    await expect.poll(() => waiting.length).toBe(2);
    for (const go of waiting) go();
    expect([await (await first).text(), await (await second).text()]).toEqual(['100', '50']);
    expect(room.taken).toBe(0);
  });

  it('refuses packed bodies, broken UTF-8 and bodies that end early', async () => {
    await expect(boundedText(post('x', { 'content-encoding': 'gzip' }), 100)).rejects.toMatchObject({ status: 415 });
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80]])
      await expect(boundedText(post(Uint8Array.from(bytes)), 100)).rejects.toMatchObject({ apiCode: 'invalid_utf8' });
    const cut = new ReadableStream({ pull: (controller) => controller.error(new Error('socket closed')) });
    await expect(boundedText(post(cut), 100)).rejects.toMatchObject({ status: 400, apiCode: 'cut_off_body' });
  });
});

describe('limitTime', () => {
  it('ends a scope that takes too long', async () => {
    const endings: (() => void)[] = [];
    const reason = await new Promise((abort) => limitTime({ abort, onEnd: (end) => endings.push(end) }, 0.01));
    expect(reason).toMatchObject({ status: 504, apiCode: 'timeout' });
    let late = false;
    limitTime({ abort: () => (late = true), onEnd: (end) => end() }, 0.01);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(late).toBe(false);
  });
});
