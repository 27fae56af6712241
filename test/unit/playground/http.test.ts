import { afterEach, expect, it, vi } from 'vitest';
import { streamChat } from '../../../playground/src/api/client.ts';
import { request, serverEvents } from '../../../playground/src/api/http.ts';
import { readBoxes, readExplanation } from '../../../playground/src/api/read.ts';

afterEach(() => vi.unstubAllGlobals());

async function events(text: string, size: number): Promise<unknown[]> {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let i = 0; i < bytes.length; i += size) controller.enqueue(bytes.slice(i, i + size));
      controller.close();
    },
  });
  const found: unknown[] = [];
  for await (const event of serverEvents(new Response(body))) found.push(event);
  return found;
}

it.each([1, 2, 3, 7, 1000])('reads events that come in pieces of %i bytes', async (size) => {
  const text =
    ': hello\r\n\r\nevent: progress\r\ndata: {"a": "猫"}\r\n\r\ndata: one\ndata: two\n\nid: 3\rdata:three\r\rdata: cut';
  expect(await events(text, size)).toEqual([
    { event: 'progress', data: '{"a": "猫"}' },
    { event: 'message', data: 'one\ntwo' },
    { event: 'message', data: 'three' },
  ]);
});

it('gives failures a kind, the server’s words and how long to wait', async () => {
  const answer = (status: number, body: string, headers = {}): void => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status, headers })));
  };
  answer(429, '{"error": {"message": "too many"}}', { 'retry-after': '3' });
  await expect(request('v1/models')).rejects.toMatchObject({ kind: 'busy', detail: 'too many', retryAfter: 3 });
  answer(502, '<html>');
  await expect(request('v1/models')).rejects.toMatchObject({ kind: 'server', retryAfter: undefined });
  answer(401, '{}');
  await expect(request('v1/models')).rejects.toMatchObject({ kind: 'key' });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  await expect(request('v1/models')).rejects.toMatchObject({ kind: 'offline' });
});

it('passes maps of the right length on, and errors within a stream', async () => {
  const chunk = (choice: object): string => `data: ${JSON.stringify({ choices: [choice] })}\n\n`;
  const sensorium = { map: [0.5, 0.5], grid: { rows: 1, cols: 2 } };
  const body =
    chunk({ delta: { content: 'a' }, sensorium }) +
    chunk({ delta: { content: 'b' }, sensorium: { ...sensorium, map: [1] } }) +
    'data: {"error": {"message": "the model failed"}}\n\n';
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body)));
  const found: unknown[] = [];
  const read = async (): Promise<void> => {
    for await (const piece of streamChat({ model: 'm', messages: [] }, new AbortController().signal)) found.push(piece);
  };
  await expect(read()).rejects.toMatchObject({ kind: 'server', detail: 'the model failed' });
  expect(found).toEqual([{ text: 'a', ...sensorium }, { text: 'b' }]);
});

it('reads explanations and boxes, and leaves out what has no right shape', () => {
  expect(() => readExplanation({ grid: { rows: 1, cols: 2 }, overall: [1], tokens: [] })).toThrow('without a map');
  const read = readExplanation({
    grid: { rows: 1, cols: 2 },
    overall: [0.5, 0.5],
    tokens: [{ text: 'a', map: [1, 0] }, { text: 'b', map: [1] }, 'c'],
    trace: [{ text: 'step', map: [0, 1], box: [0, 0, 1, 1] }],
    faithfulness: { deletion: { share: [0, 1], probability: [1], area: 0 } },
  });
  expect(read.tokens).toEqual([{ text: 'a', map: [1, 0] }, { text: 'b' }]);
  expect(read.trace[0]!.box).toEqual([0, 0, 1, 1]);
  expect(read.faithfulness).toBeUndefined();
  expect(readBoxes([[0, 0, 2, 0.5], [1, 0, 0, 1], [0, 0, 1], 'x'])).toEqual([[0, 0, 1, 0.5]]);
});
