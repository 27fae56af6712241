import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DataError } from '../../../../src/core/index.ts';
import { openPicture } from '../../../../src/data/node/open-picture.ts';

let png: Buffer;
let folder: string;
let server: Server;
let base: string;

/** Answers by path. */
const ANSWERS: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  '/a.png': (_, response) => void response.end(png),
  '/once': (_, response) => void response.writeHead(302, { location: '/a.png' }).end(),
  '/round': (_, response) => void response.writeHead(301, { location: '/round' }).end(),
  '/away': (_, response) => void response.writeHead(307, { location: 'http://192.0.2.1/secret?token=1' }).end(),
  '/file': (_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/text': (_, response) => void response.end('no picture'),
  '/none': (_, response) => void response.writeHead(404).end('none'),
  '/said': (_, response) => void response.writeHead(200, { 'content-length': String(10 ** 9) }).write('x'),
  '/packed': (_, response) =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(3e6))),
  '/endless': (_, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(more));
    };
    more();
  },
  '/never': () => undefined,
  '/slow': (_, response) => void response.write(png.subarray(0, 20)),
};

beforeAll(async () => {
  png = await sharp({ create: { width: 5, height: 3, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  folder = await mkdtemp(join(tmpdir(), 'sensorium-open-'));
  server = createServer((request, response) => ANSWERS[request.url!.split('?')[0]!]!(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const SIZE = { width: 5, height: 3, channels: 3 };

describe('openPicture', () => {
  it('reads bytes, paths and addresses of files', async () => {
    const file = join(folder, 'ä b.png');
    await writeFile(file, png);
    expect(await openPicture(new Uint8Array(png))).toMatchObject(SIZE);
    expect(await openPicture(file)).toMatchObject(SIZE);
    expect(await openPicture(pathToFileURL(file))).toMatchObject(SIZE);
    expect(await openPicture(pathToFileURL(file).href)).toMatchObject(SIZE);
    await expect(openPicture(join(folder, 'none.png'))).rejects.toThrow('none.png does not exist');
    await expect(openPicture('file://elsewhere/x.png')).rejects.toBeInstanceOf(DataError);
    await expect(openPicture(Buffer.from('text'))).rejects.toThrow('the picture is not a picture that can be read');
  });

  it('reads no files where that is not allowed', async () => {
    const file = join(folder, 'b.png');
    await writeFile(file, png);
    for (const source of [file, pathToFileURL(file)])
      await expect(openPicture(source, { allowFiles: false })).rejects.toThrow('files may not be read here');
    expect(await openPicture(png, { allowFiles: false })).toMatchObject(SIZE);
  });

  it('reads data URLs', async () => {
    const letters = png.toString('base64');
    for (const url of [
      `data:image/png;base64,${letters}`,
      `DATA:image/PNG;charset=utf-8;BASE64,${letters}`,
      `data:image/png;base64,${png.toString('base64url')}`,
      new URL(`data:image/png;base64,${letters}`),
    ])
      expect(await openPicture(url)).toMatchObject(SIZE);
  });

  it.each([
    ['data:', 'not a picture as a data URL'],
    ['data:image/png;base64', 'not a picture as a data URL'],
    ['data:text/html;base64,PGI+', 'not a picture as a data URL'],
    ['data:image/png,abc', 'not a picture as a data URL'],
    [`data:image/png;${'x'.repeat(1e6)};base64,`, 'not a picture as a data URL'],
    [`data:image/png${';a=b'.repeat(60_000)}!;base64,`, 'not a picture as a data URL'],
    ['data:image/png;base64,', 'is empty'],
    ['data:image/png;base64,AAA!', 'not base64'],
    ['data:image/png;base64,AAAAA', 'not base64'],
    ['data:image/png;base64,AA=A', 'not base64'],
    ['data:image/png;base64,AA\nAA', 'not base64'],
    ['data:image/png;base64,AAAA', 'not a picture that can be read'],
  ])('refuses %.40s', async (url, message) => {
    const failure = openPicture(url);
    await expect(failure).rejects.toBeInstanceOf(DataError);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toSatisfy((error: Error) => error.message.length < 400);
  });

  it('bounds data URLs before decoding them', async () => {
    const url = `data:image/png;base64,${'A'.repeat(4000)}`;
    await expect(openPicture(url, { maxBytes: 2999 })).rejects.toThrow('the data URL is larger than 2999 bytes');
    await expect(openPicture(url, { maxBytes: 3000 })).rejects.toThrow('not a picture');
  });
});

describe('addresses on the web', () => {
  const fetched = (path: string, options: Parameters<typeof openPicture>[1] = {}) =>
    openPicture(`${base}${path}`, { allowFetch: true, ...options });

  it('are fetched where that is allowed, and never else', async () => {
    expect(await fetched('/a.png')).toMatchObject(SIZE);
    expect(await fetched('/once')).toMatchObject(SIZE);
    await expect(openPicture(`${base}/a.png`)).rejects.toThrow(/a\.png may not be fetched[^]*allowed by the caller/);
    const asked: string[] = [];
    const allowFetch = (url: URL): boolean => {
      asked.push(url.pathname);
      return url.hostname === '127.0.0.1';
    };
    expect(await fetched('/once?q', { allowFetch })).toMatchObject(SIZE);
    expect(asked).toEqual(['/once', '/a.png']);
    await expect(fetched('/away', { allowFetch })).rejects.toThrow(/192\.0\.2\.1\/secret may not be fetched[^?]*away/);
  });

  it.each([
    ['/none', /none answers 404/],
    ['/text', /text is not a picture that can be read/],
    ['/file', /leads to file: and not to the web/],
    ['/round', /leads on more than 5 times/],
  ])('%s is refused', async (path, message) => {
    await expect(fetched(path)).rejects.toBeInstanceOf(DataError);
    await expect(fetched(path)).rejects.toThrow(message);
  });

  it('are left when they send too much', async () => {
    await expect(fetched('/said')).rejects.toThrow('larger than');
    await expect(fetched('/endless', { maxBytes: 1e6 })).rejects.toThrow('endless is larger than 1000000 bytes');
    await expect(fetched('/packed', { maxBytes: 1e6 })).rejects.toThrow('packed is larger than 1000000 bytes');
  });

  it('are left when they take too long', async () => {
    await expect(fetched('/never', { timeout: 50 })).rejects.toThrow('never did not arrive within 0.05 s');
    await expect(fetched('/slow', { timeout: 80 })).rejects.toThrow('slow did not arrive within 0.08 s');
    const stop = new AbortController();
    const failure = fetched('/never', { signal: stop.signal });
    stop.abort(new Error('the user left'));
    await expect(failure).rejects.toThrow('the user left');
  });

  it('show no password, and say what is wrong with the network', async () => {
    const secret = openPicture('http://me:hidden@127.0.0.1:1/x.png?key=secret', { allowFetch: true });
    await expect(secret).rejects.toSatisfy((error: Error) => !/hidden|secret/.test(error.message));
    await expect(openPicture('http://127.0.0.1:1/x.png', { allowFetch: true })).rejects.toThrow(/cannot be fetched/);
    await expect(openPicture('http://[', { allowFetch: true })).rejects.toThrow('is not an address');
  });
});
