/** A server with the starter on loopback and with guards, and what it tells of requests. */
import { connect } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import {
  createServer,
  type GuardOptions,
  observers,
  requestLog,
  type RequestRecord,
  type SensoriumServer,
} from '../../../src/serve/index.ts';
import {
  createMetrics,
  listen,
  type Listening,
  openPool,
  type PictureLimits,
  pictureReader,
} from '../../../src/serve/node/index.ts';

export interface GuardedServer {
  readonly server: SensoriumServer;
  readonly listening: Listening;
  /** What the log holds, a line each. */
  readonly log: string[];
  readonly records: RequestRecord[];
  /** What went wrong on the server's side. */
  readonly failures: unknown[];
  /** Posts JSON. */
  readonly post: (
    path: string,
    body: unknown,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ) => Promise<Response>;
}

export function guardedServer(guards: GuardOptions = {}, pictures: PictureLimits = {}): () => GuardedServer {
  let started: GuardedServer | undefined;
  beforeAll(async () => {
    const pool = await openPool([{ name: 'starter', source: 'starter' }], []);
    const log: string[] = [];
    const records: RequestRecord[] = [];
    const failures: unknown[] = [];
    const metrics = createMetrics();
    const own = {
      ended: (record: RequestRecord) => records.push(record),
      failed: (_: RequestRecord, cause: unknown) => failures.push(cause),
    };
    const server = createServer({
      pool,
      openPicture: pictureReader(pictures),
      guards: {
        listensOn: '127.0.0.1',
        observer: observers(
          own,
          metrics,
          requestLog((line) => log.push(line)),
        ),
        readMetrics: async () => metrics.read(),
        ...guards,
      },
    });
    const listening = await listen(server, { port: 0 });
    const post: GuardedServer['post'] = (path, body, headers = {}, signal) =>
      fetch(`${listening.url}${path}`, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
        ...(signal === undefined ? {} : { signal }),
      });
    started = { server, listening, log, records, failures, post };
  });
  afterAll(async () => {
    await started?.listening.drain(1);
    await started?.server.services.pool.dispose();
  });
  return () => started!;
}

/** A chat of the starter about a picture, or none. */
export function chat(text: string, picture?: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const content =
    picture === undefined
      ? text
      : [
          { type: 'image_url', image_url: { url: picture } },
          { type: 'text', text },
        ];
  return { model: 'starter', messages: [{ role: 'user', content }], max_tokens: 8, temperature: 0, ...more };
}

/** Writes bytes to a port and gives what comes back, until the other side ends or so long has passed. */
export async function raw(port: number, bytes: string | Uint8Array, milliseconds = 5000): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.write(bytes);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      socket.destroy();
      resolve();
    }, milliseconds);
    socket
      .on('error', () => {})
      .on('close', () => {
        clearTimeout(timer);
        resolve();
      });
  });
  return Buffer.concat(parts).toString('latin1');
}

/** Waits until something holds. @throws when it does not within ten seconds */
export async function until(holds: () => boolean, milliseconds = 10_000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!holds()) {
    if (performance.now() > end) throw new Error('it does not come to hold');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
