/** Requests that are wrong in every way, from a seed: the bytes that go over the wire. */
import type { Random } from '../../../src/core/index.ts';

/** What is mutated: bodies that would be answered. @param picture a data URL */
function bodies(picture: string): readonly { readonly path: string; readonly body: Record<string, unknown> }[] {
  const parts = [
    { type: 'image_url', image_url: { url: picture, detail: 'auto' } },
    { type: 'text', text: 'What is it?' },
  ];
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: parts },
  ];
  const chat = { model: 'starter', messages, max_tokens: 4, temperature: 0.5, seed: 1, stop: ['.'], n: 1 };
  const schema = {
    type: 'object',
    properties: { a: { type: 'string' } },
    required: ['a'],
    additionalProperties: false,
  };
  return [
    { path: '/v1/chat/completions', body: { ...chat, logprobs: true, top_logprobs: 2, top_p: 0.9 } },
    { path: '/v1/chat/completions', body: { ...chat, stream: true, stream_options: { include_usage: true } } },
    {
      path: '/v1/chat/completions',
      body: { ...chat, response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } } },
    },
    { path: '/v1/responses', body: { model: 'starter', input: 'What is it?', max_output_tokens: 4, temperature: 0 } },
    { path: '/v1/embeddings', body: { model: 'starter', input: ['a cat', 'a dog'], encoding_format: 'float' } },
    { path: '/v1/ground', body: { model: 'starter', image: picture, phrase: 'the disc' } },
    { path: '/v1/classify', body: { model: 'starter', image: picture, labels: ['red', 'blue'] } },
    { path: '/v1/explain', body: { model: 'starter', messages, method: 'attention', max_tokens: 2 } },
  ];
}

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  -1,
  0,
  0.5,
  1e308,
  -1e308,
  2 ** 53 + 2,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '../../etc/passwd',
  'x'.repeat(20_000),
  '🐦'.repeat(500),
  '{{ messages }}',
  '<|im_start|>system',
  [],
  {},
  [[[[[[]]]]]],
  { a: { b: { c: {} } } },
  Array.from({ length: 300 }, () => null),
  { __proto__: null, constructor: { prototype: { polluted: true } } },
  { toString: 1, valueOf: 1, length: 1e9 },
  '1e999',
];
/** Numbers as JSON may have them, which JavaScript would write otherwise. */
const ODD_NUMBERS = ['1e999', '-1e999', '1e-999', '9'.repeat(400), '-0', '0.1e+308', '1E400', '18446744073709551616'];
const ODD_HEADERS = [
  'Content-Type: text/plain',
  'Content-Type: application/json; charset=utf-16',
  'Content-Type: application/json, text/html',
  'Content-Type:',
  'Content-Encoding: gzip',
  'Content-Encoding: br, gzip, deflate',
  'Expect: 100-continue',
  'Expect: 200-ok',
  'Authorization: Bearer \u00ff\u00fe',
  'Authorization: Basic Og==',
  'Origin: https://evil.example',
  'Origin: null',
  'X-Request-Id: \u00e9\u00e8',
  `X-Request-Id: ${'a'.repeat(5000)}`,
  `Cookie: ${'a=b; '.repeat(2000)}`,
  `X-Large: ${'a'.repeat(20_000)}`,
  'Range: bytes=0-',
  'If-None-Match: *',
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13',
  'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
  'Accept: \u0000',
  'X-Forwarded-Host: evil.example',
  'Transfer-Encoding: gzip, chunked',
  'Content-Length: -1',
  'Content-Length: 1e9',
  'Host: other.example',
  ' Folded: header',
  'No colon here',
];
const METHODS = [
  'GET',
  'HEAD',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'CONNECT',
  'POSTT',
  'get',
  '',
];
const PATHS = [
  '/',
  '/v1',
  '/v1/',
  '/v1/models',
  '/v1/models/',
  '/v1/models/%00',
  '/v1/models/%',
  '/v1/models/%zz%ff',
  `/v1/models/${'a/'.repeat(500)}`,
  '/v1/models/starter?x=%00&x=%ff',
  '/../../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/..%5c..%5cwindows',
  '//evil.example/',
  '/\\evil.example',
  '/v1/chat/completions#x',
  '/v1/tunings/none',
  '/v1/tunings/%2e%2e/events',
  '/openapi.json?%',
  '/metrics',
  '/health',
  '*',
  'http://evil.example/v1/models',
  'http://[::1',
  'no-slash',
  `/${'a'.repeat(9000)}`,
  '/\u00ff\u00fe',
];

/** The kinds, by name, for the record of what came back. */
const KINDS = ['json', 'types', 'numbers', 'nesting', 'utf8', 'headers', 'picture', 'method', 'path', 'cut'] as const;
export type FuzzKind = (typeof KINDS)[number];

/** One request, of a kind by turns. */
export function fuzzRequest(
  random: Random,
  turn: number,
  picture: string,
): { readonly kind: FuzzKind; readonly bytes: Buffer } {
  const kind = KINDS[turn % KINDS.length]!;
  const { path, body } = random.pick(bodies(picture));
  switch (kind) {
    case 'json':
      return { kind, bytes: post(path, spoil(random, Buffer.from(JSON.stringify(body)))) };
    case 'types':
      return {
        kind,
        bytes: post(path, Buffer.from(JSON.stringify(replaceSome(random, body, () => random.pick(ODD_VALUES))))),
      };
    case 'numbers': {
      const marked = JSON.stringify(replaceSome(random, body, () => '@number@'));
      return { kind, bytes: post(path, Buffer.from(marked.replaceAll('"@number@"', () => random.pick(ODD_NUMBERS)))) };
    }
    case 'nesting': {
      const depth = 1 + random.integer(30_000);
      const [open, close] = random.pick([
        ['[', ']'],
        ['{"a":', '}'],
      ]);
      const deep = `${open!.repeat(depth)}1${close!.repeat(random.pick([depth, depth - 1, 0]))}`;
      const marked = JSON.stringify(replaceSome(random, body, () => '@deep@'));
      return { kind, bytes: post(path, Buffer.from(marked.replaceAll('"@deep@"', deep))) };
    }
    case 'utf8': {
      const bytes = Buffer.from(JSON.stringify(body));
      for (let i = 0; i < 3; i++) bytes[random.integer(bytes.length)] = 0x80 + random.integer(0x80);
      return { kind, bytes: post(path, bytes) };
    }
    case 'headers': {
      const odd = Array.from({ length: 1 + random.integer(3) }, () => random.pick(ODD_HEADERS));
      return { kind, bytes: post(path, Buffer.from(JSON.stringify(body)), odd) };
    }
    case 'picture': {
      const broken = JSON.stringify(body).replaceAll(picture, () => breakPicture(random, picture));
      return { kind, bytes: post(path, Buffer.from(broken)) };
    }
    case 'method':
      return {
        kind,
        bytes: post(random.pick([path, ...PATHS]), Buffer.from(JSON.stringify(body)), [], random.pick(METHODS)),
      };
    case 'path':
      return {
        kind,
        bytes: post(random.pick(PATHS), Buffer.from(JSON.stringify(body)), [], random.pick(['GET', 'POST'])),
      };
    case 'cut': {
      const whole = post(path, Buffer.from(JSON.stringify(body)), random.pick([[], ['Transfer-Encoding: chunked']]));
      return { kind, bytes: whole.subarray(0, random.integer(whole.length)) };
    }
  }
}

function post(path: string, body: Buffer, headers: readonly string[] = [], method = 'POST'): Buffer {
  const usual = ['Host: 127.0.0.1', 'Connection: close'];
  if (!headers.some((header) => header.startsWith('Content-Type'))) usual.push('Content-Type: application/json');
  if (!headers.some((header) => /^(Content-Length|Transfer-Encoding)/.test(header)))
    usual.push(`Content-Length: ${body.length}`);
  const head = [`${method} ${path} HTTP/1.1`, ...usual, ...headers, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** Bytes changed, left out, put in, said twice, or the end cut off. */
function spoil(random: Random, bytes: Buffer): Buffer {
  let spoilt = bytes;
  for (let i = 0; i <= random.integer(4); i++) {
    const at = random.integer(spoilt.length);
    const [before, after] = [spoilt.subarray(0, at), spoilt.subarray(at)];
    const letters = Buffer.from(
      random.pick(['"', '{', '}', '[', ']', ',', ':', '\\', '\\u', '\n', '\0', 'NaN', '1e', '/*']),
    );
    spoilt = random.pick([
      () => Buffer.concat([before, letters, after]),
      () => Buffer.concat([before, after.subarray(1 + random.integer(5))]),
      () => Buffer.concat([before, before, after]),
      () => before,
    ])();
    if (spoilt.length === 0) return Buffer.from(' ');
  }
  return spoilt;
}

/** The same value with one to three parts of it replaced, or left out. */
function replaceSome(random: Random, value: Record<string, unknown>, odd: () => unknown): unknown {
  const copy = structuredClone(value);
  for (let i = 0; i <= random.integer(3); i++) {
    let place: any = copy;
    for (;;) {
      const keys = Object.keys(place);
      if (keys.length === 0) break;
      const key = random.pick(keys);
      if (typeof place[key] === 'object' && place[key] !== null && random.uniform() < 0.7) {
        place = place[key];
        continue;
      }
      if (random.uniform() < 0.15) delete place[key];
      else place[key] = odd();
      break;
    }
  }
  return copy;
}

function breakPicture(random: Random, picture: string): string {
  const [head, letters] = picture.split(',') as [string, string];
  const bytes = Buffer.from(letters, 'base64');
  return random.pick([
    () => {
      for (let i = 0; i < 5; i++) bytes[random.integer(bytes.length)] = random.integer(256);
      return `${head},${bytes.toString('base64')}`;
    },
    () => `${head},${bytes.subarray(0, random.integer(bytes.length)).toString('base64')}`,
    () =>
      `${random.pick(['data:', 'data:image/png', 'data:text/html;base64', 'data:image/svg+xml;base64'])},${letters}`,
    () => `${head},${letters.slice(0, random.integer(letters.length))}!`,
    () => `${head},${'A'.repeat(random.integer(100_000))}`,
    () =>
      random.pick(['', 'data:', 'http://127.0.0.1:1/', 'https://localhost/', 'file:///etc/passwd', 'x'.repeat(3000)]),
    () => {
      // Sizes of more pixels than there are.
      bytes.writeUInt32BE(random.integer(2 ** 31), 16);
      bytes.writeUInt32BE(random.integer(2 ** 31), 20);
      return `${head},${bytes.toString('base64')}`;
    },
  ])();
}
