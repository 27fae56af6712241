import { describe, expect, it } from 'vitest';
import { dataEvent, eventStream, namedEvent } from '../../../src/serve/event-stream.ts';
import { RequestScope } from '../../../src/serve/scope.ts';

const onError = (error: unknown): string => dataEvent({ error: (error as Error).message });

describe('events', () => {
  it('are sent in order, and end the scope', async () => {
    const scope = new RequestScope();
    let ended = 0;
    scope.onEnd(() => ended++);
    async function* events(): AsyncGenerator<string, void, void> {
      yield dataEvent({ a: 1 });
      yield namedEvent('b', { b: 2 });
    }
    const response = eventStream(events(), { scope, onError });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(await response.text()).toBe('data: {"a":1}\n\nevent: b\ndata: {"b":2}\n\n');
    scope.end();
    expect(ended).toBe(1);
  });

  it('say when they are cut short', async () => {
    async function* events(): AsyncGenerator<string, void, void> {
      yield dataEvent(1);
      throw new Error('broken');
    }
    const response = eventStream(events(), { scope: new RequestScope(), onError });
    expect(await response.text()).toBe('data: 1\n\ndata: {"error":"broken"}\n\n');
  });

  it('are made no faster than they are read, and a reader that takes nothing is let go', async () => {
    const scope = new RequestScope();
    const over = new Promise<void>((resolve) => scope.onEnd(resolve));
    let made = 0;
    let returned = false;
    async function* events(): AsyncGenerator<string, void, void> {
      try {
        for (;;) {
          made++;
          yield dataEvent('x'.repeat(10_000));
        }
      } finally {
        returned = true;
      }
    }
    const response = eventStream(events(), { scope, onError, slowestReader: 50 });
    await over;
    // 64 KiB wait, and no more was made.
    expect(made).toBeLessThan(10);
    expect(returned).toBe(true);
    expect(await response.text()).toMatch(/\{"error":"the reader took nothing for 0.05 s"\}\n\n$/);
  });

  it('end with whoever reads them', async () => {
    const scope = new RequestScope();
    const over = new Promise<void>((resolve) => scope.onEnd(resolve));
    let signalled: unknown;
    scope.signal.addEventListener('abort', () => (signalled = scope.signal.reason));
    async function* events(): AsyncGenerator<string, void, void> {
      yield dataEvent(1);
      await new Promise((_, reject) => {
        scope.signal.addEventListener('abort', () => reject(scope.signal.reason as Error));
      });
    }
    const reader = eventStream(events(), { scope, onError }).body!.getReader();
    await reader.read();
    await reader.cancel();
    await over;
    expect(signalled).toMatchObject({ name: 'AbortError' });
  });
});
