import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/index.ts';
import { isPublicAddress } from '../../../../src/serve/node/public-address.ts';
import { fetchRemoteImage, type RemoteImageOptions } from '../../../../src/serve/node/remote-image.ts';

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '93.184.216.34', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001:81b::200e'])(
    '%s is',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it.each([
    // This machine, and what no machine has.
    ['127.0.0.1', '127.8.9.10', '0.0.0.0', '0.1.2.3', '::1', '::'],
    // Private networks, links, carriers.
    ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.1.1', '100.64.0.1', '100.127.255.255'],
    ['fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1'],
    // Metadata of clouds: Amazon and most others, Amazon over IPv6, Alibaba, Oracle, Azure.
    ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '192.0.0.192', '168.63.129.16'],
    // Many at once, and reserved.
    ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1', '240.0.0.1', '198.18.0.1', '192.0.2.1'],
    ['198.51.100.1', '203.0.113.1', '2001:db8::1', '100::1', '2001::1', '3fff::1', '5f00::1'],
    // IPv4 in other clothes: mapped, compatible, translated, NAT64 (well known and local), 6to4, Teredo.
    ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '::ffff:0:127.0.0.1', '64:ff9b::127.0.0.1'],
    ['64:ff9b::8.8.8.8', '64:ff9b:1::7f00:1', '2002:7f00:1::', '2001:0:7f00:1::'],
    ['', 'localhost', '8.8.8.8:80', '8.8.8.8/8', '1.2.3', 'x'],
  ])('%s and the like are not', (...addresses) => {
    for (const address of addresses) expect([address, isPublicAddress(address)]).toEqual([address, false]);
  });

  it('leaves out what this machine itself is called', () => {
    for (const each of Object.values(networkInterfaces()))
      for (const { address } of each ?? []) expect(isPublicAddress(address)).toBe(false);
  });
});

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
const ANSWERS: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  '/a.png': (_, response) => void response.end(PNG),
  '/moved': (_, response) => void response.writeHead(302, { location: '/a.png' }).end('x'.repeat(10_000)),
  '/round': (_, response) => void response.writeHead(301, { location: '/round' }).end(),
  '/inside': (_, response) => void response.writeHead(302, { location: `http://inside.test:${port}/a.png` }).end(),
  '/number': (_, response) => void response.writeHead(302, { location: `http://167772161:${port}/a.png` }).end(),
  '/port': (_, response) => void response.writeHead(302, { location: 'http://pictures.test:22/' }).end(),
  '/file': (_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/password': (_, response) =>
    void response.writeHead(302, { location: `http://me:x@pictures.test:${port}/a.png` }).end(),
  '/none': (_, response) => void response.writeHead(404).end('none'),
  '/packed': (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(PNG)),
  '/said': (_, response) => void response.writeHead(200, { 'content-length': String(10 ** 9) }).write('x'),
  '/endless': (_, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(more));
    };
    more();
  },
  '/never': () => undefined,
  '/slow': (_, response) => void response.write(PNG.subarray(0, 2)),
};

let server: Server;
let port: number;
/** What came, as `name path`. */
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.headers.host!.split(':')[0]} ${request.url}`);
    ANSWERS[request.url!]!(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A public name at the test's server, which stands for an address of the internet. */
const PUBLIC = '127.0.0.1';
const options = (more: RemoteImageOptions = {}): RemoteImageOptions => ({
  ports: [80, port],
  seconds: 5,
  resolve: async (name) => {
    if (name === 'pictures.test') return [PUBLIC];
    if (name === 'inside.test') return ['10.0.0.1'];
    if (name === 'both.test') return [PUBLIC, '10.0.0.1'];
    throw new Error('no such name');
  },
  mayConnect: (address) => address === PUBLIC,
  ...more,
});
const fetched = (path: string, more?: RemoteImageOptions, signal = new AbortController().signal) =>
  fetchRemoteImage(path.startsWith('/') ? `http://pictures.test:${port}${path}` : path, options(more), signal);

describe('fetchRemoteImage', () => {
  it('fetches from public names, and follows them', async () => {
    expect(await fetched('/a.png')).toEqual(PNG);
    expect(await fetched('/moved')).toEqual(PNG);
    expect(await fetched('/a.png', { hosts: ['.test'] })).toEqual(PNG);
    expect(asked.at(-1)).toBe('pictures.test /a.png');
  });

  it('asks nobody at addresses that are not public, however they are written', async () => {
    asked.length = 0;
    const more = { mayConnect: isPublicAddress, ports: [80, 443, port] };
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '0',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      'localhost',
      'localhost.',
      '①②⑦.⓪.⓪.①',
      '169.254.169.254',
      'pictures.test',
      'inside.test',
    ]) {
      const { resolve: _, ...system } = options(more);
      for (const settings of [options(more), system])
        await expect(
          fetchRemoteImage(`http://${host}:${port}/a.png`, settings, new AbortController().signal),
        ).rejects.toThrow('may not be fetched');
    }
    expect(asked).toEqual([]);
  });

  it('says the same of names that are inside, half inside or nowhere', async () => {
    const messages = new Set<string>();
    for (const host of ['inside.test', 'both.test', 'nowhere.test', '10.0.0.1'])
      await fetched(`http://${host}/a.png`).catch((error: Error) => messages.add(error.message));
    expect([...messages]).toHaveLength(1);
  });

  it('connects to the address that was checked, whatever the name says a moment later', async () => {
    let times = 0;
    const resolve = async (): Promise<string[]> => [times++ === 0 ? PUBLIC : '10.0.0.1'];
    expect(await fetched('/a.png', { resolve })).toEqual(PNG);
    expect(times).toBe(1);
    // And the other way round, where the second answer would be the harmless one.
    times = 1;
    await expect(fetched('/a.png', { resolve })).rejects.toThrow('may not be fetched');
    // Each address that it leads to is looked up and checked anew.
    times = 0;
    await expect(fetched('/moved', { resolve })).rejects.toThrow('may not be fetched');
    expect(times).toBe(2);
  });

  it.each([
    ['/inside', 'may not be fetched'],
    ['/number', 'may not be fetched'],
    ['/port', 'may not be fetched'],
    ['/file', 'is not of the web'],
    ['/password', 'has a password in it'],
    ['/round', 'leads on more than 3 times'],
    ['/none', 'is answered with 404'],
    ['/packed', 'is packed'],
    ['/said', 'holds more than'],
    ['http://pictures.test:22/', 'may not be fetched'],
    ['https://pictures.test:8443/', 'may not be fetched'],
    ['http://me:secret@pictures.test/', 'has a password in it'],
    ['ftp://pictures.test/', 'is not of the web'],
    ['gopher://pictures.test/', 'is not of the web'],
    ['http://', 'is none'],
    [`http://pictures.test/${'x'.repeat(3000)}`, 'longer than 2048'],
  ])('%.60s is refused', async (address, message) => {
    const failure = fetched(address);
    await expect(failure).rejects.toBeInstanceOf(DataError);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toSatisfy((error: Error) => !/secret|10\.0\.0\.1/.test(error.message));
  });

  it('asks listed hosts alone', async () => {
    await expect(fetched('/a.png', { hosts: ['other.test', '.pictures.test'] })).rejects.toThrow('may not be fetched');
  });

  it('bounds size and time, and stops when nobody wants it any more', async () => {
    await expect(fetched('/endless', { maxBytes: 1e6 })).rejects.toThrow('more than 1000000 bytes');
    await expect(fetched('/never', { seconds: 0.1 })).rejects.toThrow('did not arrive within 0.1 s');
    await expect(fetched('/slow', { seconds: 0.3 })).rejects.toThrow('did not arrive within 0.3 s');
    const hang = { resolve: () => new Promise<string[]>(() => {}), seconds: 0.1 };
    await expect(fetched('/a.png', hang)).rejects.toThrow('did not arrive within 0.1 s');
    const stop = new AbortController();
    const failure = fetched('/never', {}, stop.signal);
    stop.abort(new Error('the client left'));
    await expect(failure).rejects.toThrow('the client left');
  });

  it('is not led astray by what is no HTTP', async () => {
    const raw = createRawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    const at = (raw.address() as AddressInfo).port;
    await expect(fetched(`http://pictures.test:${at}/`, { ports: [at] })).rejects.toThrow('cannot be fetched');
    raw.close();
    await expect(fetched(`http://pictures.test:${at}/`, { ports: [at] })).rejects.toThrow('cannot be fetched');
  });

  it('tries another of a name’s addresses where one cannot be reached', async () => {
    const more = { resolve: async () => ['127.0.0.2', PUBLIC], mayConnect: () => true };
    expect(await fetched('/a.png', more)).toEqual(PNG);
  });
});
