import { expect, it, vi } from 'vitest';
import type { LanguageModel, LoadedAdapter } from '../../../../src/auto/index.ts';
import { DataError, TrainingError } from '../../../../src/core/index.ts';
import { picture } from '../../../../src/data/index.ts';
import {
  createServer,
  ModelPool,
  type SensoriumServer,
  type Tutor,
  TuningDesk,
  type TuningDeskOptions,
  tuningRoutes,
} from '../../../../src/serve/index.ts';

const PICTURE = 'data:image/png;base64,AAAA';
const model = {
  kind: 'language',
  name: 'starter',
  readsPictures: true,
  // A model with further inputs is answered without a batch, which this one could not make.
  parts: {
    tokenizer: { chatTemplates: {} },
    processor: {},
    decoding: { maxLength: 1024, shape: { context: { further: [] } } },
  },
  dispose: async () => {},
} as unknown as LanguageModel;

type Teaching = Parameters<Awaited<ReturnType<Tutor['write']>>['teach']>[0];

/** A tutor whose lessons end when they are told to. */
class SlowTutor implements Tutor {
  readonly written: string[] = [];
  readonly discarded: string[] = [];
  readonly lessons: { name: string; how: Teaching; done: () => void; fail: (error: Error) => void }[] = [];
  keep: () => Promise<void> = async () => {};

  async write({ name, examples }: Parameters<Tutor['write']>[0]): ReturnType<Tutor['write']> {
    for await (const { text } of examples) this.written.push(`${name}: ${text}`);
    return {
      teach: (how) =>
        new Promise((resolve, reject) => {
          const done = (): void =>
            resolve({
              adapter: { name, layers: new Map() } satisfies LoadedAdapter,
              result: { steps: 7, seconds: how.seconds, asked: 2, right: 1 },
              keep: () => this.keep(),
            });
          how.signal.addEventListener('abort', () => reject(how.signal.reason as Error));
          this.lessons.push({ name, how, done, fail: reject });
        }),
      discard: async () => void this.discarded.push(name),
    };
  }

  async dispose(): Promise<void> {}
}

interface Served {
  readonly tutor: SlowTutor;
  readonly desk: TuningDesk;
  readonly pool: ModelPool;
  readonly problems: unknown[];
  readonly server: SensoriumServer;
  readonly ask: (
    method: string,
    path: string,
    body?: unknown,
  ) => Promise<{ status: number; json: any; headers: Headers }>;
}

async function served(options: Partial<TuningDeskOptions> = {}): Promise<Served> {
  const pool = new ModelPool();
  await pool.add('starter', model);
  const tutor = new SlowTutor();
  const problems: unknown[] = [];
  const desk = new TuningDesk({ pool, tutor, onProblem: (_, cause) => problems.push(cause), ...options });
  const server = createServer({
    pool,
    openPicture: async (url) => {
      if (url !== PICTURE) throw new DataError('the data URL is not a picture', 'use PNG');
      return picture(2, 2, 3);
    },
    routes: tuningRoutes(desk),
    guards: { observer: { failed: (_, cause) => problems.push(cause) } },
  });
  return {
    tutor,
    desk,
    pool,
    problems,
    server,
    ask: async (method, path, body) => {
      const response = await server.app.request(path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
      return { status: response.status, json: await response.json(), headers: response.headers };
    },
  };
}

const request = (name: string, more: object = {}): object => ({
  model: 'starter',
  name,
  seconds: 30,
  examples: [
    { image: PICTURE, text: ' a cup ' },
    { image: PICTURE, text: '杯子' },
  ],
  ...more,
});

/** Names and contents of the events of a stream that has ended. */
async function events({ server }: Served, id: string): Promise<{ type: string; [key: string]: unknown }[]> {
  const response = await server.app.request(`/v1/tunings/${id}/events`);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  return (await response.text())
    .trim()
    .split('\n\n')
    .map((event) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event)!;
      const value = JSON.parse(data!) as { type: string };
      expect(value.type).toBe(name);
      return value;
    });
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

it('takes a tuning, tells how it goes, and serves what was learned', async () => {
  const all = await served({ now: () => 5000 });
  const { status, json, headers } = await all.ask('POST', '/v1/tunings', request('cups'));
  expect(status).toBe(202);
  expect(json).toMatchObject({
    object: 'tuning',
    created: 5,
    model: 'starter',
    name: 'cups',
    examples: 2,
    seconds: 30,
  });
  expect(headers.get('location')).toBe(`/v1/tunings/${json.id}`);
  expect(all.tutor.written).toEqual(['cups: a cup', 'cups: 杯子']);
  await turn();
  const [lesson] = all.tutor.lessons;
  expect(lesson!.how.seconds).toBe(30);
  lesson!.how.onProgress({ step: 3, progress: 0.5, seconds: 15, loss: 1.5, accuracy: null });
  expect((await all.ask('GET', `/v1/tunings/${json.id}`)).json).toMatchObject({
    status: 'running',
    position: null,
    progress: { step: 3, loss: 1.5, accuracy: null },
    result: null,
  });
  const watched = events(all, json.id);
  lesson!.done();
  const result = { model: 'starter:cups', steps: 7, seconds: 30, asked: 2, right: 1 };
  expect(await watched).toEqual([
    { type: 'queued', position: 0 },
    { type: 'started' },
    { type: 'progress', step: 3, progress: 0.5, seconds: 15, loss: 1.5, accuracy: null },
    { type: 'done', ...result },
  ]);
  expect((await all.ask('GET', `/v1/tunings/${json.id}`)).json).toMatchObject({
    status: 'succeeded',
    result,
    error: null,
  });
  expect(all.pool.list().map(({ id }) => id)).toEqual(['starter', 'starter:cups']);
  expect(all.tutor.discarded).toEqual(['cups']);
  // Whoever comes later hears all of it too, and ending what has ended changes nothing.
  expect((await events(all, json.id)).at(-1)).toEqual({ type: 'done', ...result });
  expect((await all.ask('DELETE', `/v1/tunings/${json.id}`)).json.status).toBe('succeeded');
});

it('lets one learn at a time, a few wait, and sends others away for a while', async () => {
  const all = await served({ queue: 1 });
  const first = await all.ask('POST', '/v1/tunings', request('a'));
  const second = await all.ask('POST', '/v1/tunings', request('b'));
  expect(second.json).toMatchObject({ status: 'queued', position: 1 });
  const third = await all.ask('POST', '/v1/tunings', request('c'));
  expect(third.status).toBe(429);
  expect(third.json.error).toMatchObject({ type: 'rate_limit_error', code: 'tuning_queue_full' });
  expect(Number(third.headers.get('retry-after'))).toBe(30);
  await turn();
  expect(all.tutor.lessons.map(({ name }) => name)).toEqual(['a']);
  all.tutor.lessons[0]!.done();
  await events(all, first.json.id);
  await turn();
  expect(all.tutor.lessons.map(({ name }) => name)).toEqual(['a', 'b']);
  all.tutor.lessons[1]!.done();
  await events(all, second.json.id);
  expect(all.pool.list().map(({ id }) => id)).toEqual(['starter', 'starter:a', 'starter:b']);
});

it('is cancelled while it learns and while it waits, and nothing is left of it', async () => {
  const all = await served();
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c']) ids.push((await all.ask('POST', '/v1/tunings', request(name))).json.id);
  await turn();
  const waiting = await all.ask('DELETE', `/v1/tunings/${ids[1]}`);
  expect(waiting.json).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
  const learning = await all.ask('DELETE', `/v1/tunings/${ids[0]}`);
  expect(learning.json).toMatchObject({ status: 'cancelled', error: { message: 'the tuning was cancelled' } });
  expect(all.tutor.discarded).toEqual(['b', 'a']);
  await turn();
  // The one that was not cancelled goes on, and the names of the others are free.
  expect(all.tutor.lessons.map(({ name }) => name)).toEqual(['a', 'c']);
  expect((await all.ask('POST', '/v1/tunings', request('a'))).status).toBe(202);
  expect((await events(all, ids[1]!)).map(({ type }) => type)).toEqual(['queued', 'cancelled']);
  expect(all.pool.list().map(({ id }) => id)).toEqual(['starter']);
  expect(all.problems).toEqual([]);
  await all.desk.close();
});

it('tells why a tuning failed, keeps what is its own to itself, and goes on with the next', async () => {
  const all = await served();
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c']) ids.push((await all.ask('POST', '/v1/tunings', request(name))).json.id);
  await turn();
  all.tutor.lessons[0]!.fail(new TrainingError('memory: a step takes 9 GiB', 'choose a smaller model'));
  expect((await events(all, ids[0]!)).at(-1)).toEqual({
    type: 'failed',
    error: { code: 'training', message: 'memory: a step takes 9 GiB (choose a smaller model)' },
  });
  await turn();
  all.tutor.lessons[1]!.fail(new Error('ENOENT: /home/me/secret'));
  const [failed] = (await events(all, ids[1]!)).slice(-1);
  expect(JSON.stringify(failed)).not.toContain('secret');
  expect(failed).toMatchObject({ type: 'failed', error: { code: 'internal_error' } });
  await turn();
  // What cannot be kept is not served either.
  all.tutor.keep = async () => {
    throw new TrainingError('the disk is full');
  };
  all.tutor.lessons[2]!.done();
  expect((await events(all, ids[2]!)).at(-1)).toMatchObject({ type: 'failed' });
  expect(all.pool.list().map(({ id }) => id)).toEqual(['starter']);
  expect(all.tutor.discarded).toEqual(['a', 'b', 'c']);
  expect(all.problems).toHaveLength(3);
});

it('refuses what cannot be learned, and says which part is wrong', async () => {
  const all = await served({ mostSeconds: 60 });
  all.pool.addAdapter('starter', 'there', { name: 'there', layers: new Map() });
  const refused = async (body: unknown): Promise<readonly [number, string | null, string | null]> => {
    const { status, json } = await all.ask('POST', '/v1/tunings', body);
    return [status, json.error.param, json.error.code];
  };
  const example = { image: PICTURE, text: 'a cup' };
  expect(await refused(request('there'))).toEqual([409, 'name', 'name_taken']);
  expect(await refused(request('a', { model: 'nobody' }))).toEqual([404, 'model', 'model_not_found']);
  expect(await refused(request('a', { model: 'starter:there' }))).toEqual([400, 'model', 'invalid_value']);
  expect(await refused(request('../a'))).toEqual([400, 'name', 'invalid_value']);
  expect(await refused(request('a', { seconds: 601 }))).toEqual([400, 'seconds', 'invalid_value']);
  expect(await refused(request('a', { seconds: 61 }))).toEqual([400, 'seconds', 'invalid_value']);
  expect(await refused(request('a', { examples: [] }))).toEqual([400, 'examples', 'invalid_value']);
  expect(await refused(request('a', { examples: Array.from({ length: 65 }, () => example) }))).toEqual([
    400,
    'examples',
    'invalid_value',
  ]);
  expect(await refused(request('a', { examples: [example, { image: 'https://a.test/b.png', text: 'b' }] }))).toEqual([
    400,
    'examples[1].image',
    'invalid_value',
  ]);
  expect(await refused(request('a', { examples: [{ ...example, text: '  ' }] }))).toEqual([
    400,
    'examples[0].text',
    'invalid_value',
  ]);
  const damaged = { image: 'data:image/png;base64,BBBB', text: 'b' };
  expect(await refused(request('a', { examples: [example, damaged] }))).toEqual([
    400,
    'examples[1].image',
    'invalid_image',
  ]);
  expect(await refused({ ...request('a'), more: 1 })).toEqual([400, '', 'invalid_value']);
  for (const method of ['GET', 'DELETE'])
    expect((await all.ask(method, '/v1/tunings/tun_none')).json.error.code).toBe('tuning_not_found');
  // None of them takes a place or a name.
  expect((await all.ask('POST', '/v1/tunings', request('a'))).json.status).not.toBe('failed');
  await all.desk.close();
});

it('ends with the server, and tells so', async () => {
  const all = await served();
  const first = (await all.ask('POST', '/v1/tunings', request('a'))).json.id;
  const second = (await all.ask('POST', '/v1/tunings', request('b'))).json.id;
  await turn();
  const watched = events(all, first);
  await all.desk.close();
  expect((await watched).at(-1)).toMatchObject({ type: 'cancelled', error: { code: 'server_stopping' } });
  expect((await events(all, second)).at(-1)).toMatchObject({ type: 'cancelled', error: { code: 'server_stopping' } });
  expect(all.tutor.discarded.toSorted()).toEqual(['a', 'b']);
  expect((await all.ask('POST', '/v1/tunings', request('c'))).status).toBe(503);
  await all.pool.dispose();
});

it('sends as many messages as a curve needs, and the last one', async () => {
  const all = await served();
  const { id } = (await all.ask('POST', '/v1/tunings', request('a'))).json;
  await turn();
  const { how, done } = all.tutor.lessons[0]!;
  for (let step = 1; step <= 3000; step++)
    how.onProgress({ step, progress: step / 3000, seconds: step / 100, loss: 1, accuracy: 0 });
  done();
  const told = (await events(all, id)).filter(({ type }) => type === 'progress');
  expect(told.length).toBeGreaterThan(300);
  expect(told.length).toBeLessThan(420);
  expect(told.at(-1)!['step']).toBe(3000);
});

it('forgets tunings that ended long ago, and watchers that leave', async () => {
  const all = await served();
  const { id } = (await all.ask('POST', '/v1/tunings', request('a'))).json;
  await turn();
  const controller = new AbortController();
  const response = await all.server.app.request(`/v1/tunings/${id}/events`, { signal: controller.signal });
  const reader = response.body!.getReader();
  await reader.read();
  controller.abort();
  await vi.waitFor(async () => expect((await reader.read()).done).toBe(true));
  await all.ask('DELETE', `/v1/tunings/${id}`);
  for (let i = 0; i < 100; i++) {
    const next = (await all.ask('POST', '/v1/tunings', request('b'))).json.id as string;
    await all.ask('DELETE', `/v1/tunings/${next}`);
  }
  expect((await all.ask('GET', `/v1/tunings/${id}`)).status).toBe(404);
});
