import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer, ModelPool, type PageFile, type Route } from '../../../src/serve/index.ts';

const hello: Route = {
  method: 'GET',
  path: '/v1/things/:id{.+}',
  summary: 'A thing.',
  response: z.object({ id: z.string() }),
  handle: (c) => c.json({ id: c.req.param('id') }),
};
const broken: Route = {
  method: 'POST',
  path: '/v1/broken',
  summary: 'Fails.',
  request: z.object({ a: z.int() }),
  handle: () => {
    throw new TypeError('/secret/place');
  },
};

function server(page?: ReadonlyMap<string, PageFile>) {
  const problems: unknown[] = [];
  const made = createServer({
    pool: new ModelPool(),
    openPicture: async () => Promise.reject(new Error('none')),
    guards: {
      observer: { failed: ({ status, route }, cause) => problems.push({ status, path: route, cause }) },
    },
    routes: [hello, broken],
    version: '1.2.3',
    ...(page === undefined ? {} : { page }),
  });
  return { ...made, problems };
}

describe('the server without a network', () => {
  it('says that it is not ready without models, and sends requests away while it ends', async () => {
    const { app, services } = server();
    expect((await app.request('/health')).status).toBe(200);
    expect(await (await app.request('/ready')).json()).toEqual({ status: 'loading' });
    services.drain();
    const ready = await app.request('/ready');
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'draining' }]);
    const refused = await app.request('/v1/models');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await app.request('/health')).status).toBe(200);
  });

  it('hides what went wrong inside, and tells it to the log', async () => {
    const { app, problems } = server();
    const answer = await app.request('/v1/broken', { method: 'POST' });
    const body = await answer.text();
    expect(answer.status).toBe(500);
    expect(body).not.toMatch(/secret/);
    expect(body).toContain(answer.headers.get('x-request-id')!);
    expect(problems).toMatchObject([{ status: 500, path: '/v1/broken', cause: { message: '/secret/place' } }]);
  });

  it('describes every route that it answers', async () => {
    const { app } = server();
    const document = (await (await app.request('/openapi.json')).json()) as {
      openapi: string;
      info: { version: string };
      paths: Record<string, Record<string, { requestBody?: unknown }>>;
    };
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const undescribed = new Set(['/openapi.json', '*', '/*']);
    const answered = app.routes
      .filter(({ method, path }) => method !== 'ALL' && !undescribed.has(path))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`);
    expect(described.toSorted()).toEqual([...new Set(answered)].toSorted());
    expect(described).toContain('POST /v1/chat/completions');
    expect(described).toContain('GET /v1/things/{id}');
    const chat = JSON.stringify(document.paths['/v1/chat/completions']!['post']!.requestBody);
    for (const field of ['messages', 'image_url', 'response_format', 'logprobs']) expect(chat).toContain(`"${field}"`);
  });

  it('takes JSON alone, and says where it is wrong', async () => {
    const { app } = server();
    const post = (body: string, type = 'application/json') =>
      app.request('/v1/chat/completions', { method: 'POST', body, headers: { 'Content-Type': type } });
    expect((await post('{}', 'text/plain')).status).toBe(415);
    const problemOf = async (body: string) => ((await (await post(body)).json()) as { error: object }).error;
    expect(await problemOf('{')).toMatchObject({ code: 'invalid_json' });
    expect(await problemOf('['.repeat(10_000))).toMatchObject({ code: 'invalid_json' });
    expect(await problemOf('{}')).toMatchObject({ param: 'model', code: 'invalid_value' });
    const part = { type: 'image_url', image_url: {} };
    expect(
      await problemOf(JSON.stringify({ model: 'a', messages: [{ role: 'user', content: [part] }] })),
    ).toMatchObject({ param: 'messages[0].content[0].image_url.url' });
  });

  it('serves the page with its policy, and only files of it', async () => {
    const bytes = new TextEncoder().encode('<p>page</p>');
    const file = { bytes, type: 'text/html; charset=utf-8', etag: '"1"', lasting: false };
    const packed = { ...file, packed: new Uint8Array([1, 2]), type: 'text/javascript', lasting: true };
    const { app } = server(
      new Map<string, PageFile>([
        ['index.html', file],
        ['assets/a.js', packed],
      ]),
    );
    const index = await app.request('/');
    expect(await index.text()).toBe('<p>page</p>');
    expect(index.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/);
    expect(index.headers.get('cache-control')).toBe('no-cache');
    expect((await app.request('/', { headers: { 'If-None-Match': '"1"' } })).status).toBe(304);
    const script = await app.request('/assets/a.js', { headers: { 'Accept-Encoding': 'br, gzip' } });
    expect(script.headers.get('content-encoding')).toBe('gzip');
    expect(script.headers.get('cache-control')).toMatch(/immutable/);
    expect((await app.request('/assets/../../package.json')).status).toBe(404);
    expect((await app.request('/assets/%2e%2e/secret')).status).toBe(404);
    expect(await (await server().app.request('/')).text()).toMatch(/not built/);
  });
});
