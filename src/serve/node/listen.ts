import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { DataError } from '../../core/index.ts';
import type { SensoriumServer } from '../app.ts';

export interface ListenOptions {
  /** 127.0.0.1 unless told, so that nobody else reaches it. */
  readonly host?: string;
  /** 0 for any that is free; 8080 unless told. */
  readonly port?: number;
}

/** A server on the network. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Requests that are being answered. */
  readonly active: number;
  /**
   * Takes no more requests, lets those that were accepted be answered, and ends.
   * @param seconds after which what is still under way is told that the server stops, and ended
   * @param now ends that wait before
   */
  drain(seconds: number, now?: AbortSignal): Promise<void>;
}

/** Connections at a time; more are closed at once. */
const MOST_CONNECTIONS = 1000;
/** How long a client may take to send a request's head, and all of it, in milliseconds. */
const HEAD_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 120_000;
/** Requests that are on their way when the server ends have so long, in milliseconds, to come and be told. */
const LAST_COMERS = 100;
/** What is told at the end has so long to get out. */
const LAST_WORDS = 1000;

/** @throws DataError when the port cannot be had */
export async function listen({ app, services }: SensoriumServer, options: ListenOptions = {}): Promise<Listening> {
  const { host = '127.0.0.1', port = 8080 } = options;
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer({ headersTimeout: HEAD_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, maxHeaderSize: 16_384 });
  server.maxConnections = MOST_CONNECTIONS;
  const active = new Set<ServerResponse>();
  let idle: (() => void) | undefined;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    active.add(response);
    response.on('close', () => {
      active.delete(response);
      if (active.size === 0) idle?.();
    });
    // A connection that stays open would keep a server that drains.
    if (services.draining) response.setHeader('Connection', 'close');
    void answer(request, response);
  });
  // Node would end the connection without a word.
  server.on('connect', (_, socket) => socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n'));
  await bound(server, host, port);
  const address = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  const answered = (): Promise<void> =>
    active.size === 0 ? Promise.resolve() : new Promise((resolve) => (idle = resolve));
  return {
    host,
    port: address.port,
    url: `http://${shown}:${address.port}`,
    get active() {
      return active.size;
    },
    async drain(seconds, now) {
      services.drain();
      // Whoever is cut off before its request was read would not know whether it may be sent again.
      await within(new Promise(() => {}), LAST_COMERS, now);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      if (!(await within(answered(), seconds * 1000, now))) {
        services.stop();
        await within(answered(), LAST_WORDS);
      }
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bound(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new DataError(
          taken ? `port ${port} of ${host} is taken` : `cannot listen on ${host}:${port}: ${cause.message}`,
          taken ? 'give another --port, or 0 for any' : 'give another --host or --port',
          { cause },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
}

/** @returns whether it came in time, and before the signal */
async function within(work: Promise<void>, milliseconds: number, signal?: AbortSignal): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  const late = new Promise<boolean>((resolve) => {
    stop = () => resolve(false);
    timer = setTimeout(stop, milliseconds);
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
    if (stop !== undefined) signal?.removeEventListener('abort', stop);
  }
}
