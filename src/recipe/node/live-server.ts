import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DataError } from '../../core/errors.ts';
import { livePage, liveParts, liveTitle, type LiveParts, type LiveRun } from '../live/page.ts';

/** Tried first where no port is asked for. */
const USUAL_PORT = 7860;
/** Pages that may listen at a time. */
const MOST_LISTENERS = 32;
/** Milliseconds between two messages. */
const INTERVAL = 1000;

/** The page of a run that goes on, for browsers on this machine alone. */
export interface LivePage {
  readonly url: string;
  /** Says that the run has changed; at most once in a second it is sent on. */
  changed(): void;
  /** Sends the last state and ends. */
  close(): Promise<void>;
}

/**
 * Serves the page on the loopback interface.
 * @param run gives the run as it is
 * @param port 0 for any; without one the usual port, or any where that is taken
 * @throws DataError when the port cannot be had
 */
export async function openLivePage(run: () => LiveRun, port?: number): Promise<LivePage> {
  const listeners = new Set<Listener>();
  const server = createServer((request, response) => answer(request, response, run, listeners));
  server.requestTimeout = 10_000;
  server.maxHeadersCount = 100;
  const bound = await listen(server, port);
  let timer: NodeJS.Timeout | undefined;
  const send = (ended: boolean): void => {
    timer = undefined;
    if (listeners.size === 0) return;
    const now = run();
    const parts = liveParts(now);
    for (const listener of listeners) tell(listener, liveTitle(now), parts, ended);
  };
  return {
    url: `http://127.0.0.1:${bound}/`,
    changed() {
      if (timer !== undefined) return;
      timer = setTimeout(send, INTERVAL, false);
      timer.unref();
    },
    async close() {
      clearTimeout(timer);
      send(true);
      for (const { response } of listeners) response.end();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        // What a browser keeps open must not keep the process alive.
        setTimeout(() => server.closeAllConnections(), 500).unref();
      });
    },
  };
}

interface Listener {
  readonly response: ServerResponse;
  /** What it was told last, by part. */
  readonly told: Map<string, string>;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  run: () => LiveRun,
  listeners: Set<Listener>,
): void {
  const headers = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
  };
  const refuse = (status: number, text: string): void => {
    response.writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
  };
  // A name that was made to point to this machine must not let another site's page read what is here.
  if (!isLocal(request.headers.host)) return refuse(403, 'only for browsers on this machine');
  if (request.method !== 'GET') return refuse(405, 'only GET');
  switch (request.url) {
    case '/': {
      const nonce = randomBytes(16).toString('base64');
      const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
      response
        .writeHead(200, { ...headers, 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy })
        .end(livePage(run(), nonce));
      return;
    }
    case '/events': {
      if (listeners.size >= MOST_LISTENERS) return refuse(503, 'too many pages are open');
      response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream; charset=utf-8' });
      const listener = { response, told: new Map<string, string>() };
      listeners.add(listener);
      response.on('close', () => listeners.delete(listener));
      const now = run();
      tell(listener, liveTitle(now), liveParts(now), false);
      return;
    }
    default:
      return refuse(404, 'there is only one page here');
  }
}

/** Sends the parts that have changed. A page that does not read is left out until it does. */
function tell({ response, told }: Listener, title: string, parts: LiveParts, ended: boolean): void {
  if (response.writableNeedDrain && !ended) return;
  const changed = Object.entries(parts).filter(([id, html]) => told.get(id) !== html);
  for (const [id, html] of changed) told.set(id, html);
  response.write(`data: ${JSON.stringify({ title, ended, parts: Object.fromEntries(changed) })}\n\n`);
}

function isLocal(host: string | undefined): boolean {
  return host !== undefined && /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i.test(host);
}

async function listen(server: Server, port: number | undefined): Promise<number> {
  const bind = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: wanted, host: '127.0.0.1' }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await bind(port ?? USUAL_PORT).catch(async (error: NodeJS.ErrnoException) => {
      if (port !== undefined || error.code !== 'EADDRINUSE') throw error;
      await bind(0);
    });
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new DataError(
      `the live page cannot have port ${port ?? USUAL_PORT}: ${taken ? 'another program has it' : (cause as Error).message}`,
      'name another port, or 0 for any',
      { cause },
    );
  }
  return (server.address() as AddressInfo).port;
}
