import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { CheckpointError, hostTensor } from '../../../../src/core/index.ts';
import { openCheckpoint } from '../../../../src/hub/node/checkpoint.ts';
import { fetchModel } from '../../../../src/hub/node/fetch-model.ts';
import { encodeSafetensors } from '../../../../src/hub/safetensors.ts';
import { temporaryFolder } from './temporary.ts';

const COMMIT = 'c0ffee'.padEnd(40, '0');
const root = temporaryFolder();
const weights = Buffer.from(encodeSafetensors(new Map([['a', hostTensor('float32', [5000])]])));
const files: Record<string, Buffer> = {
  'config.json': Buffer.from('{"model_type":"x"}'),
  'model.safetensors': weights,
  'pytorch_model.bin': Buffer.from('never asked for'),
};
const sha256 = createHash('sha256').update(weights).digest('hex');

let server: Server;
let environment: Record<string, string>;
let asked: string[] = [];
/** What the server does wrong: breaks off after so many bytes of the weights, sends other bytes. */
let fault: { cut?: number; other?: boolean; elsewhere?: string } = {};
let runs = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url!.split('?')[0]!;
    asked.push(`${url} ${request.headers.range ?? ''}`.trim());
    if (request.headers.authorization !== 'Bearer secret') return void response.writeHead(401).end();
    if (url.startsWith('/api/models/o/m/revision/')) return sendJson({ id: 'o/m', _id: '1', sha: COMMIT });
    if (url.startsWith('/api/models/o/m/tree/')) return sendJson(Object.entries(files).map(describeFile));
    if (fault.elsewhere !== undefined && url.endsWith('.safetensors'))
      return void response.writeHead(302, { location: `${fault.elsewhere}/blob` }).end();
    const body = files[url.replace(`/o/m/resolve/${COMMIT}/`, '')];
    if (body === undefined) return void response.writeHead(404).end();
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    let rest = body.subarray(start);
    if (fault.other && body === weights) rest = Buffer.alloc(rest.length, 1);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': rest.length,
      'content-range': `bytes ${start}-${body.length - 1}/${body.length}`,
      'x-repo-commit': COMMIT,
    });
    if (fault.cut === undefined || body !== weights) return void response.end(rest);
    response.write(rest.subarray(0, fault.cut), () => setTimeout(() => response.destroy(), 30));

    function sendJson(json: unknown): void {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
  fault = {};
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  environment = { HF_ENDPOINT: endpoint, HF_HUB_CACHE: join(root, `cache${runs++}`), HF_TOKEN: 'secret' };
});

let describeFile = ([path, body]: [string, Buffer]): object => {
  const oid = createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex');
  const large = { oid: sha256, size: body.length, pointerSize: 130 };
  return { type: 'file', path, size: body.length, oid, ...(body === weights ? { lfs: large } : {}) };
};

const blobs = (): string[] => readdirSync(join(environment['HF_HUB_CACHE']!, 'models--o--m/blobs'));

it('fills the cache as the ecosystem lays it out, once, and is then enough offline', async () => {
  const folder = await fetchModel('o/m', { environment });
  expect(folder).toBe(join(environment['HF_HUB_CACHE']!, 'models--o--m/snapshots', COMMIT));
  expect(readlinkSync(join(folder, 'model.safetensors'))).toBe(`../../blobs/${sha256}`);
  expect(readFileSync(join(folder, '../../refs/main'), 'utf8')).toBe(COMMIT);
  expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors']);
  asked = [];
  expect(await fetchModel('o/m', { environment })).toBe(folder);
  expect(asked.some((url) => url.includes('resolve'))).toBe(false);
  expect(
    await fetchModel('o/m', { environment: { ...environment, HF_ENDPOINT: 'http://x', HF_HUB_OFFLINE: '1' } }),
  ).toBe(folder);
  const checkpoint = await openCheckpoint(folder);
  expect(checkpoint.tensors.places.get('a')!.location).toBe(sha256);
  await checkpoint.weights.close();
});

it('goes on where it was broken off', async () => {
  fault = { cut: 4000 };
  await expect(fetchModel('o/m', { environment })).rejects.toThrow(CheckpointError);
  expect(blobs()).toContain(`${sha256}.incomplete`);
  fault = {};
  asked = [];
  await fetchModel('o/m', { environment });
  expect(asked.at(-1)).toMatch(/bytes=\d{4,}-$/);
  expect(blobs()).not.toContain(`${sha256}.incomplete`);
});

it('keeps nothing of a file with another hash', async () => {
  fault = { other: true };
  await expect(fetchModel('o/m', { environment })).rejects.toThrow(/hash/);
  expect(blobs().filter((name) => name.startsWith(sha256))).toEqual([]);
  expect(existsSync(join(environment['HF_HUB_CACHE']!, 'models--o--m/refs/main'))).toBe(false);
});

it('a damaged beginning is found out', async () => {
  mkdirSync(join(environment['HF_HUB_CACHE']!, 'models--o--m/blobs'), { recursive: true });
  writeFileSync(join(environment['HF_HUB_CACHE']!, 'models--o--m/blobs', `${sha256}.incomplete`), 'wrong');
  await expect(fetchModel('o/m', { environment })).rejects.toThrow(/hash/);
  await fetchModel('o/m', { environment });
});

it.each(['', 'm', '../m', 'o/..', 'o/m/x', 'o/m\0', '/etc/passwd', 'o\\m/x'])('refuses the name %j', async (name) => {
  await expect(fetchModel(name, { environment })).rejects.toThrow(CheckpointError);
  expect(asked).toEqual([]);
});

it('refuses what is not there', async () => {
  await expect(fetchModel('o/m', { environment, revision: '../x' })).rejects.toThrow(CheckpointError);
  await expect(fetchModel('o/m', { environment, offline: true })).rejects.toThrow(/not in the cache/);
  await expect(fetchModel('o/m', { environment, token: 'other' })).rejects.toThrow(CheckpointError);
  await expect(fetchModel('o/none', { environment })).rejects.toThrow(CheckpointError);
});

it('tells no other server its token', async () => {
  const tokens: (string | undefined)[] = [];
  const other = createServer((request, response) => {
    tokens.push(request.headers.authorization);
    response.writeHead(200, { 'content-length': weights.length }).end(weights);
  });
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  fault = { elsewhere: `http://localhost:${(other.address() as AddressInfo).port}` };
  const folder = await fetchModel('o/m', { environment }).finally(() => other.close());
  expect(readFileSync(join(folder, 'model.safetensors'))).toEqual(weights);
  expect(tokens).toEqual([undefined]);
});

it('several fetches of one model at once share what comes', async () => {
  const folders = await Promise.all([1, 2, 3, 4].map(() => fetchModel('o/m', { environment })));
  expect(new Set(folders).size).toBe(1);
  expect(readFileSync(join(folders[0]!, 'model.safetensors'))).toEqual(weights);
  expect(asked.filter((url) => url.includes('model.safetensors'))).toHaveLength(1);
  expect(readlinkSync(join(folders[0]!, 'model.safetensors'))).toBe(`../../blobs/${sha256}`);
});

it.runIf(existsSync('/dev/full'))('says that the disk is full, at once', async () => {
  const folder = join(environment['HF_HUB_CACHE']!, 'models--o--m/blobs');
  mkdirSync(folder, { recursive: true });
  symlinkSync('/dev/full', join(folder, `${sha256}.incomplete`));
  await expect(fetchModel('o/m', { environment })).rejects.toThrow(/the disk is full\n {2}→/);
  expect(asked.filter((url) => url.includes('model.safetensors'))).toHaveLength(1);
});

it('takes a commit as revision, and tells of progress', async () => {
  const seen = new Map<string, number>();
  const folder = await fetchModel('o/m', {
    environment,
    revision: COMMIT,
    progress: (file, received, size) => {
      expect(received).toBeLessThanOrEqual(size);
      expect(received).toBeGreaterThan(seen.get(file) ?? 0);
      seen.set(file, received);
    },
  });
  expect(seen.get('model.safetensors')).toBe(weights.length);
  expect(existsSync(join(folder, '../../refs'))).toBe(false);
  expect(await fetchModel('o/m', { environment, revision: COMMIT, offline: true })).toBe(folder);
});

it('refuses more bytes than were announced', async () => {
  const longer = Buffer.concat([weights, Buffer.alloc(1000)]);
  files['model.safetensors'] = longer;
  const tree = describeFile;
  describeFile = ([path, body]) => tree([path, path === 'model.safetensors' ? weights : body]);
  try {
    await expect(fetchModel('o/m', { environment })).rejects.toThrow(/more than the \d+ bytes/);
  } finally {
    files['model.safetensors'] = weights;
    describeFile = tree;
  }
});
