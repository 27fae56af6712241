/** Server-sent events with back-pressure: what a reader does not take is not made. */
import { ApiError } from './errors.ts';
import type { RequestScope } from './scope.ts';

/** Bytes that may wait for a reader, beside those in the sockets of the system. */
const WAITING_BYTES = 64 * 1024;
/** How long a reader may take nothing, in milliseconds. */
const SLOWEST_READER = 30_000;
/** A comment is sent when nothing else was for so long, so that nobody between takes the connection for dead. */
const HEARTBEAT = 15_000;

export interface EventStreamOptions {
  /** Ended when the stream is over. */
  readonly scope: RequestScope;
  /** What is sent instead of the rest when an event cannot be made. */
  readonly onError: (error: unknown) => string;
  readonly slowestReader?: number;
  readonly heartbeat?: number;
}

/** An event with data alone, as chat completions send them. */
export function dataEvent(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** An event with a name, as responses send them. */
export function namedEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A response that sends events as they are made; the scope ends with it, and whoever goes away ends both. */
export function eventStream(events: AsyncGenerator<string, void, void>, options: EventStreamOptions): Response {
  const { scope, onError, slowestReader = SLOWEST_READER, heartbeat = HEARTBEAT } = options;
  const encoder = new TextEncoder();
  let pulled: (() => void) | undefined;
  let beat: ReturnType<typeof setInterval> | undefined;
  let left = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        beat = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still there\n\n'));
        }, heartbeat);
        const send = async (): Promise<void> => {
          try {
            for await (const event of events) {
              controller.enqueue(encoder.encode(event));
              if ((controller.desiredSize ?? 1) <= 0) await room(scope.signal, slowestReader, (go) => (pulled = go));
            }
          } catch (error) {
            // Whoever left hears nothing; an answer that is cut short says so.
            if (!left) controller.enqueue(encoder.encode(onError(error)));
          } finally {
            clearInterval(beat);
            scope.end();
          }
          if (!left) controller.close();
        };
        void send();
      },
      pull() {
        pulled?.();
        pulled = undefined;
      },
      cancel() {
        left = true;
        clearInterval(beat);
        scope.abort(new DOMException('the client left', 'AbortError'));
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES }),
  );
  return new Response(stream, {
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Buffering proxies would hold events back.
      'X-Accel-Buffering': 'no',
    },
  });
}

/** Waits until the reader has taken something. @throws ApiError when it does not, the signal's reason when it ends before */
async function room(signal: AbortSignal, milliseconds: number, onPull: (go: () => void) => void): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const done = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      act();
    };
    const abort = (): void => done(() => reject(signal.reason as Error));
    const timer = setTimeout(
      () =>
        done(() =>
          reject(new ApiError(408, `the reader took nothing for ${milliseconds / 1000} s`, { code: 'slow_reader' })),
        ),
      milliseconds,
    );
    signal.addEventListener('abort', abort, { once: true });
    onPull(() => done(resolve));
  });
}
