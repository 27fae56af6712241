import { request } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/index.ts';
import type { LiveRun } from '../../../../src/recipe/live/page.ts';
import { openLivePage, type LivePage } from '../../../../src/recipe/node/live-server.ts';
import { RunHistory } from '../../../../src/train/run-history.ts';

const EVIL = `"><img src=x onerror=alert(1)>'</style><script>alert(2)</script>&`;

function trained(step: number): Parameters<RunHistory['observe']>[0] {
  const figures = { learningRate: 0.1, gradientNorm: 1, samplesPerSecond: 3 };
  return { kind: 'train', step, seconds: step, loss: 1 / step, parts: { [EVIL]: 1 }, ...figures };
}

function liveRun(text: string): { history: RunHistory; run: () => LiveRun } {
  const history = new RunHistory();
  const run = (): LiveRun => ({
    title: text,
    history,
    progress: 0.25,
    totalSteps: 8,
    seconds: 60,
    secondsLeft: 180,
    state: text,
    notes: [text],
  });
  return { history, run };
}

let page: LivePage;
afterEach(async () => page?.close());

/** A request with headers of its own, which fetch would not send. */
function ask(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; text: string; policy: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, page.url), { headers, method }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          text,
          policy: String(response.headers['content-security-policy']),
        }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('the live page', () => {
  it('shows curves, samples and notes, all of it escaped', async () => {
    const { history, run } = liveRun(EVIL);
    page = await openLivePage(run, 0);
    expect((await ask('/')).text).toContain('first step has not been made yet');
    history.observe(trained(1));
    history.observe(trained(2));
    history.observe({ kind: 'validation', step: 2, seconds: 2, values: { [EVIL]: 0.5 } });
    const sample = { question: EVIL, generated: EVIL, expected: EVIL, picture: 'data:image/png;base64,AA==' };
    history.observe({ kind: 'samples', step: 2, seconds: 2, samples: [sample] });
    const { status, text, policy } = await ask('/');
    expect(status).toBe(200);
    expect(text).toContain('1m 00s, 3m 00s left');
    expect(text).toContain('of 8, 25.0');
    expect(text).toContain('<img src="data:image/png;base64,AA=="');
    expect(text).not.toContain('<img src=x');
    expect(text.match(/<script/g)).toHaveLength(1);
    const nonce = /<script nonce="([^"]+)">/.exec(text)![1]!;
    expect(policy).toContain(`default-src 'none'`);
    expect(policy).toContain(`script-src 'nonce-${nonce}'`);
    expect(/nonce-[^']+/.exec((await ask('/')).policy)![0]).not.toBe(`nonce-${nonce}`);
  });

  it('sends what has changed, and the end', async () => {
    const { history, run } = liveRun('a run');
    page = await openLivePage(run, 0);
    const messages: { title: string; ended: boolean; parts: Record<string, string> }[] = [];
    let rest = '';
    const ended = new Promise<void>((resolve, reject) => {
      const sent = request(new URL('/events', page.url), (response) => {
        expect(response.headers['content-type']).toContain('text/event-stream');
        response.on('data', (chunk: Buffer) => {
          rest += chunk.toString();
          for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
            messages.push(JSON.parse(rest.slice('data: '.length, end)));
            rest = rest.slice(end + 2);
            if (messages.length === 1) {
              history.observe(trained(1));
              page.changed();
              page.changed();
            } else if (messages.length === 2) void page.close();
          }
        });
        response.on('end', resolve);
      });
      sent.on('error', reject);
      sent.end();
    });
    await ended;
    expect(messages.map(({ parts }) => Object.keys(parts))).toEqual([
      ['state', 'headline', 'curves', 'samples', 'notes'],
      ['headline', 'curves'],
      [],
    ]);
    expect(messages.map((message) => message.ended)).toEqual([false, false, true]);
    expect(messages[0]!.title).toBe('25 % · a run');
  });

  it('answers nobody but this machine, and nothing else', async () => {
    page = await openLivePage(liveRun('a run').run, 0);
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect((await ask('/', { host: 'evil.example' })).status).toBe(403);
    expect((await ask('/events', { host: 'evil.example:7860' })).status).toBe(403);
    expect((await ask('/', { host: 'localhost:1' })).status).toBe(200);
    expect((await ask('/', {}, 'POST')).status).toBe(405);
    expect((await ask('/../etc/passwd')).status).toBe(404);
  });

  it('says that a port is taken, and takes another where none was asked for', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as { port: number };
    await expect(openLivePage(liveRun('a run').run, port)).rejects.toThrow(DataError);
    await expect(openLivePage(liveRun('a run').run, port)).rejects.toThrow(/another program has it/);
    other.close();
    page = await openLivePage(liveRun('a run').run);
    const second = await openLivePage(liveRun('a run').run);
    expect(second.url).not.toBe(page.url);
    await second.close();
  });
});
