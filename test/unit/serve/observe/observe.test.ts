import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import type { AnswerPiece } from '../../../../src/auto/index.ts';
import { DataError, DeviceError } from '../../../../src/core/index.ts';
import { createMetrics } from '../../../../src/serve/node/metrics.ts';
import { observe } from '../../../../src/serve/observe/observe.ts';
import { describeFailure, requestLog } from '../../../../src/serve/observe/request-log.ts';
import { type Observer, observers, type RequestRecord } from '../../../../src/serve/observe/request-record.ts';
import { watchTokens } from '../../../../src/serve/observe/watch-tokens.ts';

const CANARY = 'canary-7f3a';

function server(observer: Observer): Hono<any> {
  const app = new Hono<any>();
  app.use(observe(observer));
  app.onError((error, c) => {
    observer.failed?.(c.get('record'), error);
    return c.json({ error: 'failed' }, 500);
  });
  app.use('/v1/*', (_, next) => next());
  app.get('/v1/models/:model', (c) => c.text(`model ${c.req.param('model')}`));
  app.post('/v1/fail', async (c) => {
    throw new Error(`cannot read ${await c.req.text()}`);
  });
  app.get('/v1/stream', (c) => {
    let n = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (n++ < 3) controller.enqueue(new TextEncoder().encode(`data: ${n}\n\n`));
        else if (c.req.query('broken') === undefined) controller.close();
        else controller.error(new Error('broken'));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-own': 'kept' } });
  });
  // As a page's files are served: after all else.
  app.get('/page/*', (c) => c.text('page'));
  app.get('*', (c) => c.notFound());
  return app;
}

/** Records and lines that a server gives. */
function watched(): { records: RequestRecord[]; lines: string[]; app: Hono<any> } {
  const records: RequestRecord[] = [];
  const lines: string[] = [];
  const app = server(
    observers(
      { ended: (record) => records.push({ ...record }) },
      requestLog((line) => lines.push(line)),
    ),
  );
  return { records, lines, app };
}

describe('observe', () => {
  it('records routes by their pattern, and names requests', async () => {
    const { records, app } = watched();
    const answer = await app.request(`/v1/models/${CANARY}?key=${CANARY}`);
    expect(records).toMatchObject([{ method: 'GET', route: '/v1/models/:model', status: 200, ended: 'answered' }]);
    expect(answer.headers.get('x-request-id')).toBe(records[0]!.id);
    await app.request(`/${CANARY}`, { method: 'PROPFIND' });
    expect(records[1]).toMatchObject({ method: 'OTHER', route: 'none', status: 404 });
    await app.request('/page/x');
    expect(records.pop()).toMatchObject({ route: '/page/*', status: 200 });
    await app.request('/v1/models/x', { headers: { 'x-request-id': 'mine-1' } });
    expect(records[2]!.id).toBe('mine-1');
    await app.request('/v1/models/x', { headers: { 'x-request-id': `"}{${CANARY}` } });
    expect(records[3]!.id).toMatch(/^req_[0-9a-f]{32}$/);
    expect(JSON.stringify(records)).not.toContain(CANARY);
  });

  it('follows a stream to its end, however it comes', async () => {
    const { records, app } = watched();
    const whole = await app.request('/v1/stream');
    expect(whole.headers.get('x-own')).toBe('kept');
    expect(whole.headers.get('x-request-id')).not.toBeNull();
    expect(records).toEqual([]);
    expect(await whole.text()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
    expect(records).toMatchObject([{ route: '/v1/stream', ended: 'answered' }]);
    await expect((await app.request('/v1/stream?broken')).text()).rejects.toThrow('broken');
    expect(records[1]).toMatchObject({ ended: 'broken' });
    const reader = (await app.request('/v1/stream')).body!.getReader();
    await reader.read();
    await reader.cancel();
    expect(records[2]).toMatchObject({ ended: 'left' });
  });
});

describe('requestLog', () => {
  it('writes a line of JSON for each request, and nothing of what was asked', async () => {
    const { lines, app } = watched();
    await app.request('/v1/fail', { method: 'POST', body: CANARY, headers: { authorization: CANARY, cookie: CANARY } });
    expect(lines).toHaveLength(2);
    const [failure, request] = lines.map((line) => JSON.parse(line));
    expect(failure).toMatchObject({ level: 'error', event: 'failure', route: '/v1/fail', error: 'Error' });
    expect(failure.at[0]).toMatch(/^at .*observe\.test\.ts:\d+:\d+/);
    expect(request).toMatchObject({ event: 'request', route: '/v1/fail', status: 500, id: failure.id });
    expect(lines.join('')).not.toContain(CANARY);
  });

  it('tells the messages of the engine and the system alone', () => {
    expect(describeFailure(new DeviceError('no kernel'))).toMatchObject({ error: 'DeviceError', message: 'no kernel' });
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    expect(describeFailure(full)).toMatchObject({ code: 'ENOSPC', message: full.message });
    for (const error of [
      new Error(`${CANARY}\n    at ${CANARY}`),
      new DataError(CANARY, CANARY, { cause: new Error(CANARY) }),
      new SyntaxError(`Unexpected token in ${CANARY}`),
      new TypeError(`${CANARY} is not iterable`),
      new Error('outer', { cause: new Error(CANARY, { cause: CANARY }) }),
      CANARY,
    ])
      expect(JSON.stringify(describeFailure(error))).not.toContain(CANARY);
  });
});

describe('watchTokens', () => {
  it('times tokens by the model alone, each answer for itself', async () => {
    let now = 1000;
    const told: [string, string, number][] = [];
    const observer: Observer = {
      firstToken: (model, seconds) => told.push(['first', model, seconds]),
      nextToken: (model, seconds) => told.push(['next', model, seconds]),
    };
    async function* pieces(): AsyncGenerator<AnswerPiece, void, void> {
      for (const [row, wait] of [
        [0, 500],
        [0, 20],
        [1, 10],
        [1, 30],
      ] as const) {
        now += wait;
        yield { text: 'x', token: { token: 1, row, index: 0 } as unknown as AnswerPiece['token'] };
      }
    }
    const record: RequestRecord = {
      id: '',
      method: 'POST',
      route: '',
      status: 0,
      ended: 'broken',
      time: 0,
      seconds: 0,
    };
    const watched = watchTokens(pieces(), { record, model: 'm', observer }, 900, () => now);
    let count = 0;
    for await (const piece of watched) {
      expect(piece.text).toBe('x');
      // A slow reader.
      if (count++ === 0) now += 5000;
    }
    expect(told).toEqual([
      ['first', 'm', 0.6],
      ['next', 'm', 0.02],
      ['next', 'm', 0.03],
    ]);
    expect(record).toMatchObject({ answerTokens: 4, firstToken: 0.6 });
  });
});

describe('createMetrics', () => {
  it('counts by route, status and model', async () => {
    const state = { model: 'starter', running: 3, waiting: 2, caches: { prefix: { hits: 5, misses: 1, bytes: 77 } } };
    const metrics = createMetrics({ models: () => [state] });
    const app = server(observers(metrics));
    await app.request('/v1/models/a');
    await app.request('/v1/models/b');
    await app.request('/v1/fail', { method: 'POST', body: 'x' });
    metrics.began?.();
    metrics.firstToken?.('starter', 0.2);
    metrics.nextToken?.('starter', 0.004);
    const record: RequestRecord = {
      id: '',
      method: 'POST',
      route: '/r',
      status: 429,
      ended: 'answered',
      time: 0,
      seconds: 1,
    };
    metrics.began?.();
    metrics.ended?.({ ...record, refused: 'queue_full', model: 'starter', promptTokens: 7, answerTokens: 9 });
    const { text, type } = await metrics.read();
    expect(type).toContain('text/plain');
    for (const line of [
      'sensorium_requests_total{route="/v1/models/:model",method="GET",status="200",ended="answered"} 2',
      'sensorium_requests_total{route="/v1/fail",method="POST",status="500",ended="answered"} 1',
      'sensorium_failures_total{route="/v1/fail"} 1',
      'sensorium_refused_total{code="queue_full"} 1',
      'sensorium_prompt_tokens_total{model="starter"} 7',
      'sensorium_generated_tokens_total{model="starter"} 9',
      'sensorium_requests_under_way 1',
      'sensorium_running_answers{model="starter"} 3',
      'sensorium_waiting_answers{model="starter"} 2',
      'sensorium_cache_lookups{model="starter",cache="prefix",result="hit"} 5',
      'sensorium_cache_bytes{model="starter",cache="prefix"} 77',
      'sensorium_first_token_seconds_bucket{le="0.25",model="starter"} 1',
      'sensorium_between_tokens_seconds_bucket{le="0.005",model="starter"} 1',
    ])
      expect(text).toContain(`${line}\n`);
    expect(text).toMatch(/process_resident_memory_bytes \d+/);
    // A second server has figures of its own.
    expect((await createMetrics().read()).text).not.toContain('/v1/models');
    metrics.close();
  });
});
