import { expect, it } from 'vitest';
import { Random } from '../../../src/core/index.ts';
import { fuzzRequest } from './fuzz-requests.ts';
import { chat, guardedServer, raw, until } from './guarded-server.ts';
import { disc } from './starter-server.ts';

const REQUESTS = 1000;
/** Requests at a time. */
const AT_A_TIME = 8;

const server = guardedServer({ seconds: 300 });

it('a thousand requests that are wrong in every way: no crash, and no 5xx without a cause in the log', async () => {
  const { listening, log, post, server: inner } = server();
  const picture = await disc();
  const random = new Random(2026);
  const requests = Array.from({ length: REQUESTS }, (_, turn) => fuzzRequest(random, turn, picture));
  const statuses = new Map<string, number>();
  const broken: { readonly kind: string; readonly request: string; readonly answer: string }[] = [];
  const silent: string[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
        const { kind, bytes } = request;
        // What is cut off is waited for by the server: the client goes away first.
        const answer = await raw(listening.port, bytes, kind === 'cut' ? 300 : 300_000);
        const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'none';
        statuses.set(`${kind} ${status}`, (statuses.get(`${kind} ${status}`) ?? 0) + 1);
        if (status.startsWith('5')) broken.push({ kind, request: bytes.subarray(0, 3000).toString('latin1'), answer });
        if (status === 'none' && kind !== 'cut') silent.push(bytes.subarray(0, 300).toString('latin1'));
      }
    }),
  );
  // Each 5xx has its cause in the log, by the id that the answer carries.
  const causes = new Set(
    log
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'failure')
      .map(({ id }) => id),
  );
  for (const { answer, request } of broken) {
    const id = /x-request-id: (\S+)/i.exec(answer)?.[1];
    expect(causes, `${request}\n${answer.slice(0, 500)}`).toContain(id);
  }
  // And there is none that these requests should bring about: all of them are the client's fault.
  expect(broken.map(({ kind, request, answer }) => [kind, request.slice(0, 400), answer.slice(0, 300)])).toEqual([]);
  expect(silent).toEqual([]);
  // Every kind was refused, and not everything for one reason.
  for (const kind of ['json', 'types', 'numbers', 'nesting', 'utf8', 'headers', 'picture'])
    expect(statuses.get(`${kind} 400`) ?? 0, [...statuses].join('\n')).toBeGreaterThan(5);
  // Nothing is left behind, and the server still answers.
  await until(() => inner.services.guards.queue.underWay === 0 && listening.active === 0, 60_000);
  expect((await post('/v1/chat/completions', chat('What colour is it?', picture))).status).toBe(200);
  expect(({} as any).polluted).toBeUndefined();
  expect(log.join('')).not.toContain('etc/passwd');
});
