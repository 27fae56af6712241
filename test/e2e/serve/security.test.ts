/** What the server promises about safety, item by item, over the network. */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiKeys } from '../../../src/serve/limits/api-keys.ts';
import { chat, guardedServer, raw, until } from './guarded-server.ts';
import { LONG } from './starter-server.ts';

const KEY = 'alice-has-a-long-secret-1';

async function png(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#d22' }, limitInputPixels: false })
    .png()
    .toBuffer();
}
const dataUrl = (bytes: Uint8Array, type = 'png'): string =>
  `data:image/${type};base64,${Buffer.from(bytes).toString('base64')}`;
/** A PNG that says it is so large, with next to nothing in it. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const around = Buffer.alloc(8);
    around.writeUInt32BE(data.length);
    around.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
  };
  const head = Buffer.from('00000000000000000802000000', 'hex');
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  const data = deflateSync(Buffer.alloc(2 ** 20));
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}
const codeOf = async (response: Response): Promise<string> => ((await response.json()) as any).error.code;

describe('keys and quotas', async () => {
  const keys = await ApiKeys.parse(`alice ${KEY}\nbob bob-has-another-secret-22 requests=2\n`, 'keys');
  const server = guardedServer({ keys });
  const headers = { authorization: `Bearer ${KEY}` };

  it('let nobody in without a key, by no spelling of a path', async () => {
    const { listening, post } = server();
    for (const path of ['/v1/models', '/v1/models/starter', '/v1/nothing', '/metrics', '/%761/models', '/v1/./models'])
      expect([path, (await fetch(`${listening.url}${path}`)).status]).toEqual([path, 401]);
    for (const path of ['/v1/chat/completions', '/v1/embeddings', '/v1/responses'])
      expect((await post(path, chat('Hi'))).status).toBe(401);
    for (const target of [
      '//v1/models',
      '/V1/models',
      '/v1%2fmodels',
      '/x/../v1/models',
      'http://127.0.0.1/v1/models',
    ]) {
      const answer = await raw(
        listening.port,
        `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
      );
      expect([target, answer.slice(9, 12)]).toEqual([target, expect.stringMatching(/^40[14]/)]);
    }
    for (const wrong of [`Bearer ${KEY}x`, `Bearer ${KEY.slice(1)}`, `Basic ${KEY}`, KEY, `Bearer ${KEY}, Bearer x`])
      expect((await post('/v1/chat/completions', chat('Hi'), { authorization: wrong })).status).toBe(401);
    expect((await fetch(`${listening.url}/health`)).status).toBe(200);
    expect((await fetch(`${listening.url}/v1/models`, { headers })).status).toBe(200);
    expect(await (await fetch(`${listening.url}/metrics`, { headers })).text()).toContain('sensorium_requests_total');
    expect((await post('/v1/chat/completions', chat('Hi'), headers)).status).toBe(200);
  });

  it('name who asked in the log, without the key, and bound each owner alone', async () => {
    const { post, log } = server();
    const bob = { authorization: 'Bearer bob-has-another-secret-22' };
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await post('/v1/chat/completions', chat('Hi'), bob)).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    const refused = await post('/v1/chat/completions', chat('Hi'), bob);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await codeOf(refused)).toBe('quota_exceeded');
    expect((await post('/v1/chat/completions', chat('Hi'), headers)).status).toBe(200);
    expect(log.filter((line) => JSON.parse(line).key === 'bob').length).toBeGreaterThanOrEqual(4);
    expect(log.join('')).not.toMatch(/secret/);
  });
});

describe('a server as it is by default', () => {
  const server = guardedServer({ queue: 2 });

  it('listens on loopback alone', async () => {
    const { listening } = server();
    expect(listening.host).toBe('127.0.0.1');
    for (const { address, family, internal } of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
      if (internal || family !== 'IPv4') continue;
      const reached = await new Promise<boolean>((resolve) => {
        const socket = connect({ port: listening.port, host: address, timeout: 2000 });
        const end = (answer: boolean) => () => {
          socket.destroy();
          resolve(answer);
        };
        socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
      });
      expect([address, reached]).toEqual([address, false]);
    }
  });

  it('shares nothing with pages of other sites, and does no work for them', async () => {
    const { listening, post, server: inner } = server();
    const answer = await post('/v1/chat/completions', chat('Hi'));
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    for (const origin of ['https://evil.example', 'null'])
      expect((await post('/v1/chat/completions', chat('Hi'), { origin })).status).toBe(403);
    // What browsers send without asking first: forms and plain text.
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect((await post('/v1/chat/completions', chat('Hi'), { 'content-type': type })).status).toBe(415);
    const preflight = await fetch(`${listening.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    expect(inner.services.guards.queue.underWay).toBe(0);
  });

  it('does not answer to names that were made to point here', async () => {
    const { listening } = server();
    for (const host of [
      'evil.example',
      `evil.example:${listening.port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ]) {
      const answer = await raw(listening.port, `GET /v1/models HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect([host, answer.slice(9, 12)]).toEqual([host, '403']);
      expect(answer).not.toContain('starter');
    }
    // The name of a whole address in the request line is a name as well.
    const absolute = `GET http://evil.example/v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
    expect((await raw(listening.port, absolute)).slice(9, 12)).toBe('403');
  });

  it('refuses large bodies before they are read', async () => {
    const { listening } = server();
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
    const said = await raw(listening.port, `${head}Content-Length: 99999999999\r\n\r\n{`);
    expect(said.slice(9, 12)).toBe('413');
    // Pieces of a body that does not say how long it is, and does not end.
    const socket = connect(listening.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (part) => (answer += part.toString())).on('error', () => {});
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    socket.setMaxListeners(0);
    let sent = 0;
    const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(2 ** 20, 0x20), Buffer.from('\r\n')]);
    while (answer === '' && !socket.destroyed && sent < 200e6) {
      if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
      sent += 2 ** 20;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => answer !== '');
    expect(answer.slice(9, 12)).toBe('413');
    expect(sent).toBeLessThan(80e6);
    await until(() => socket.destroyed || socket.readyState !== 'open');
    const packed = await raw(
      listening.port,
      `${head}Content-Encoding: gzip\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab`,
    );
    expect(packed.slice(9, 12)).toBe('415');
  });

  it('bounds how deep and how many JSON may be', async () => {
    const { post } = server();
    for (const body of [
      '['.repeat(5_000_000),
      `{"model":"starter","messages":${'['.repeat(3000)}${']'.repeat(3000)}}`,
      `{"model":"starter","messages":[${'1,'.repeat(2_000_000)}1]}`,
      `{"model":"starter","messages":[${'{},'.repeat(500_000)}{}]}`,
    ]) {
      const answer = await post('/v1/chat/completions', body);
      expect([answer.status, await codeOf(answer)]).toEqual([400, 'invalid_json']);
    }
  });

  it('refuses decompression bombs and too many pixels', async () => {
    const { post } = server();
    const photo = await png(5100, 5100);
    const bombs = {
      png: dataUrl(pngOf(60_000, 60_000)),
      jpeg: dataUrl(await sharp(photo, { limitInputPixels: false }).jpeg({ quality: 1 }).toBuffer(), 'jpeg'),
      webp: dataUrl(await sharp(photo).webp({ quality: 1, effort: 0 }).toBuffer(), 'webp'),
      gif: dataUrl(Buffer.from('474946383961ffffffff0000002c00000000ffffffff0002024401003b', 'hex'), 'gif'),
      svg: dataUrl(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="60000" height="60000"/>'), 'svg+xml'),
    };
    const before = process.memoryUsage().rss;
    for (const [name, url] of Object.entries(bombs)) {
      const answer = await post('/v1/chat/completions', chat('What is it?', url));
      expect([name, answer.status]).toEqual([name, 400]);
      expect(((await answer.json()) as any).error.param).toMatch(/^messages\[0\]\.content\[0\]/);
    }
    // Each of them has 78 MB or more when it is decoded.
    expect(process.memoryUsage().rss - before).toBeLessThan(70e6);
  });

  it('reads no files and fetches nothing', async () => {
    const { post } = server();
    for (const url of ['/etc/passwd', 'file:///etc/passwd', 'https://pictures.example/a.png', 'http://127.0.0.1/'])
      expect((await post('/v1/chat/completions', chat('What is it?', url))).status).toBe(400);
  });

  it('sends requests away beyond the queue, and gives places back when clients leave', async () => {
    const { post, server: inner, records } = server();
    const { queue } = inner.services.guards;
    const long = chat('Tell me about everything that there is', undefined, {
      ...LONG,
      stream: true,
      stop: ['§'],
    });
    const leavers = [new AbortController(), new AbortController()];
    const asked = leavers.map(({ signal }) => post('/v1/chat/completions', long, {}, signal).catch(() => undefined));
    await until(() => queue.underWay === 2);
    const refused = await post('/v1/chat/completions', chat('Hi'));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await codeOf(refused)).toBe('queue_full');
    for (const leaver of leavers) leaver.abort();
    await Promise.all(asked);
    await until(() => queue.underWay === 0);
    expect((await post('/v1/chat/completions', chat('Hi'))).status).toBe(200);
    await until(() => records.at(-1)?.status === 200);
    expect(records.filter(({ status }) => status >= 500)).toEqual([]);
  });
});

describe('pictures from the web, where they are allowed', () => {
  /** A public name and a private one, both of this test's server. */
  const asked: string[] = [];
  let times = 0;
  const inside = createServer((request, response) => {
    asked.push(request.url!);
    if (request.url === '/a.png') void png(40, 40).then((bytes) => response.end(bytes));
    else if (request.url === '/moved') response.writeHead(302, { location: 'http://127.0.0.1:1/secret' }).end();
    else if (request.url === '/rebound') response.writeHead(302, { location: 'http://rebinding.test/a.png' }).end();
    else response.end('SECRET OF THE INSIDE');
  });
  let port = 0;
  const remote = {
    ports: [] as number[],
    resolve: async (name: string) => {
      if (name === 'public.test') return ['127.0.0.77'];
      if (name === 'rebinding.test') return [times++ % 2 === 0 ? '10.0.0.1' : '127.0.0.77'];
      throw new Error('no such name');
    },
    // One address of loopback stands for the public internet.
    mayConnect: (address: string) => address === '127.0.0.77',
  };
  beforeAll(async () => {
    await new Promise<void>((resolve) => inside.listen(0, '0.0.0.0', resolve));
    port = (inside.address() as AddressInfo).port;
    remote.ports.push(80, port);
  });
  afterAll(() => {
    inside.closeAllConnections();
    inside.close();
  });
  const server = guardedServer({}, { remote });

  it('reach public addresses, and nothing private: directly, by redirect or by rebinding', async () => {
    const { post } = server();
    const status = async (url: string): Promise<number> => {
      const answer = await post('/v1/chat/completions', chat('What is it?', url));
      expect(await answer.text()).not.toMatch(/SECRET|10\.0\.0\.1|127\.0\.0\.77/);
      return answer.status;
    };
    expect(await status(`http://public.test:${port}/a.png`)).toBe(200);
    expect(await status(`http://public.test:${port}/page`)).toBe(400);
    asked.length = 0;
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433', '[::ffff:127.0.0.77]', '10.0.0.1', '0.0.0.0'])
      expect(await status(`http://${host}:${port}/secret`)).toBe(400);
    expect(asked).toEqual([]);
    expect(await status(`http://public.test:${port}/moved`)).toBe(400);
    expect(await status(`http://public.test:${port}/rebound`)).toBe(400);
    expect(asked).toEqual(['/moved', '/rebound']);
  });
});

describe('logs and figures', () => {
  const server = guardedServer();

  it('hold nothing of prompts, pictures and answers', async () => {
    const { post, log, listening } = server();
    const CANARY = 'canary-9d1e';
    const exif = await sharp(await png(40, 40))
      .withExif({ IFD0: { ImageDescription: CANARY } })
      .jpeg()
      .toBuffer();
    expect(exif.includes(CANARY)).toBe(true);
    const answers: string[] = [];
    for (const [body, headers] of [
      [chat(CANARY, dataUrl(exif, 'jpeg')), {}],
      [chat(CANARY, undefined, { stream: true }), {}],
      [chat(CANARY, undefined, { model: CANARY }), {}],
      [chat(CANARY, `data:image/png;base64,${CANARY}`), {}],
      [
        chat(CANARY, undefined, { stop: CANARY, user: CANARY, metadata: { a: CANARY } }),
        { 'x-request-id': `${CANARY}"` },
      ],
      [`{"model": "${CANARY}`, {}],
      [chat(CANARY, undefined, { temperature: CANARY }), { cookie: CANARY, 'user-agent': CANARY, referer: CANARY }],
    ] as const)
      answers.push(await (await post(`/v1/chat/completions?${CANARY}`, body, headers)).text());
    await (await fetch(`${listening.url}/${CANARY}`)).text();
    await until(() => log.length >= 8);
    expect(log.join('\n')).not.toContain(CANARY);
    const metrics = await (await fetch(`${listening.url}/metrics`)).text();
    expect(metrics).not.toContain(CANARY);
    // Nor does anything that a camera wrote come back.
    expect(answers[0]).not.toContain(CANARY);
    const content = (JSON.parse(answers[0]!) as any).choices[0].message.content as string;
    if (content.length > 3) expect(log.join('\n')).not.toContain(content);
    const [first] = log.map((line) => JSON.parse(line));
    expect(first).toMatchObject({ route: '/v1/chat/completions', status: 200, model: 'starter', pictures: 1 });
    expect(first.answer_tokens).toBeGreaterThan(0);
    expect(first.prompt_tokens).toBeGreaterThan(0);
    expect(first.first_token_ms).toBeGreaterThan(0);
    expect(metrics).toMatch(/sensorium_generated_tokens_total\{model="starter"\} [1-9]/);
  });
});

describe('time', () => {
  const server = guardedServer({ seconds: 0.05 });

  it('is bounded for an answer, and whoever asked is told', async () => {
    const { post, server: inner } = server();
    const long = chat('Tell me all', undefined, LONG);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/v1/chat/completions', long)));
    const late = answers.filter(({ status }) => status === 504);
    expect(late.length).toBeGreaterThan(0);
    expect(await codeOf(late[0]!)).toBe('timeout');
    expect(inner.services.guards.queue.underWay).toBe(0);
  });
});
