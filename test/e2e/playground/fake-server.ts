/** A server that answers as the real one does, with canned answers: what the page makes of them can be tested alone. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Hono } from 'hono';
import { readPageFiles } from '../../../src/serve/node/index.ts';
import type { ServeEnv } from '../../../src/serve/context.ts';
import { pageFile } from '../../../src/serve/playground.ts';
import { APPLICATIONS } from './applications.ts';

const GRID = { rows: 4, cols: 4 };

export interface FakeServer {
  readonly url: string;
  /** What was asked, the latest last. */
  readonly requests: { readonly path: string; readonly body: any }[];
  /** What the next requests for answers get instead of one. */
  failure: { status: number; message: string; retryAfter?: number } | undefined;
  /** Whether maps come with the tokens. */
  maps: boolean;
  /** Milliseconds between two tokens. */
  pause: number;
  /** What models say. */
  answer: string;
  close(): Promise<void>;
}

/** Weights that are greatest in one square. */
export function mapAt(square: number): number[] {
  return Array.from({ length: 16 }, (_, i) => (i === square ? 0.7 : 0.02));
}

const tokensOf = (answer: string): string[] => answer.match(/<loc\d\d>|\s?[^\s<]+|\s/gu) ?? [];

export async function fakeServer(): Promise<FakeServer> {
  const files = await readPageFiles();
  if (files.size === 0) throw new Error('the playground is not built: run `npm run build`');
  const pages = new Hono<ServeEnv>().get('*', (c) => pageFile(c, files));
  const models = ['starter', 'starter:cups'];
  const requests: FakeServer['requests'] = [];
  const server = createServer((request, response) => {
    void handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake: FakeServer = {
    url,
    requests,
    failure: undefined,
    maps: true,
    pause: 0,
    answer: 'The picture shows a cat and a dog.',
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url!, url).pathname;
    if (!path.startsWith('/v1/')) {
      const encoding = request.headers['accept-encoding'] ?? '';
      const page = await pages.request(path, { headers: { 'accept-encoding': encoding } });
      response.writeHead(page.status, Object.fromEntries(page.headers));
      response.end(Buffer.from(await page.arrayBuffer()));
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
    requests.push({ path, body });
    const json = (value: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (path === '/v1/models') return json({ object: 'list', data: models.map((id) => ({ id, object: 'model' })) });
    if (path === '/v1/applications') return json({ object: 'list', data: APPLICATIONS });
    if (fake.failure !== undefined) {
      const { status, message, retryAfter } = fake.failure;
      if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
      return json({ error: { message, type: 'error', code: null } }, status);
    }
    if (path === '/v1/chat/completions') return chat(body, response);
    if (path === '/v1/ground')
      return json({ object: 'grounding', boxes: [[0.5, 0.4, 0.95, 0.9]], text: '<loc31><loc25><loc60><loc57>' });
    if (path === '/v1/explain') return json(explanation(body));
    if (path === '/v1/tunings') return json({ id: 'tuning-1' }, 202);
    if (path === '/v1/tunings/tuning-1/events') return tuning(response);
    if (path === '/v1/tunings/tuning-1') return json({ id: 'tuning-1', status: 'cancelled' });
    json({ error: { message: `there is nothing at ${path}` } }, 404);
  }

  async function chat(body: any, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const application = APPLICATIONS.find(({ id }) => id === body.response_format?.json_schema?.name);
    const answer = application === undefined ? fake.answer : JSON.stringify(application.answer);
    const send = (choice: object): void =>
      void response.write(`data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [choice] })}\n\n`);
    for (const [i, token] of tokensOf(answer).entries()) {
      if (response.destroyed) return;
      const map = { map: mapAt(i % 16), grid: GRID };
      send({
        index: 0,
        delta: { content: token },
        finish_reason: null,
        ...(fake.maps && body.sensorium?.maps ? { sensorium: map } : {}),
      });
      if (fake.pause > 0) await wait(fake.pause);
    }
    send({ index: 0, delta: {}, finish_reason: 'stop' });
    response.end('data: [DONE]\n\n');
  }

  function explanation(body: any): object {
    const answer = body.messages.at(-1).content as string;
    const share = [0, 0.25, 0.5, 0.75, 1];
    return {
      object: 'explanation',
      model: body.model,
      method: body.method ?? 'relevance',
      answer,
      picture: { width: 360, height: 360 },
      grid: GRID,
      overall: mapAt(5),
      tokens: tokensOf(answer).map((text, i) => ({ text, logprob: -0.1, map: mapAt((i + 8) % 16) })),
      trace: [
        { text: 'Step 1: the cat is at the top left', start: 0, end: 10, box: [0.05, 0.1, 0.45, 0.5], map: mapAt(0) },
      ],
      ...(body.faithfulness
        ? {
            faithfulness: {
              deletion: { share, probability: [0.9, 0.4, 0.2, 0.1, 0.05], area: 0.29 },
              insertion: { share, probability: [0.05, 0.5, 0.8, 0.88, 0.9], area: 0.66 },
            },
          }
        : {}),
    };
  }

  async function tuning(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let step = 1; step <= 12; step++) {
      if (response.destroyed) return;
      const data = { step, loss: 3 * Math.exp(-step / 4) + 0.1, accuracy: 1 - Math.exp(-step / 5) };
      response.write(`event: progress\ndata: ${JSON.stringify(data)}\n\n`);
      await wait(fake.pause);
    }
    models.push('starter:mine');
    response.end(
      `event: done\ndata: ${JSON.stringify({ type: 'done', model: 'starter:mine', asked: 2, right: 2 })}\n\n`,
    );
  }

  return fake;
}
