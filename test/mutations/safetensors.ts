/** Damage to a safetensors file: its length, its header, its offsets, its data. */
import type { Random } from '../../src/core/index.ts';
import {
  bytesOf,
  type Contents,
  type Expectation,
  type Files,
  flip,
  type FolderMutation,
  repeat,
  splice,
} from './mutation.ts';

const FILE = 'model.safetensors';
type Header = Record<string, any>;

interface Parts {
  readonly header: Header;
  readonly text: string;
  readonly data: Uint8Array;
}

function parts(file: Uint8Array): Parts {
  const length = Number(Buffer.from(file).readBigUInt64LE());
  const text = Buffer.from(file.subarray(8, 8 + length)).toString();
  return { header: JSON.parse(text) as Header, text, data: file.subarray(8 + length) };
}

function join(header: Header | string | Uint8Array, data: Uint8Array): Uint8Array {
  const bytes =
    header instanceof Uint8Array ? header : Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  return Buffer.concat([prefix(BigInt(bytes.length)), bytes, data]);
}

function prefix(length: bigint): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(length);
  return out;
}

const make = (
  name: string,
  expect: Expectation,
  file: (original: Uint8Array, random: Random) => Contents,
): FolderMutation => ({
  name,
  expect,
  change: (files: Files, random: Random) => ({ [FILE]: file(bytesOf(files, FILE), random) }),
});

const lengths: FolderMutation[] = [
  ['0', () => 0n],
  ['1', () => 1n],
  ['one too small', (n: bigint) => n - 1n],
  ['one too large', (n: bigint) => n + 1n],
  ['the whole file', (_: bigint, size: bigint) => size - 8n],
  ['one beyond the file', (_: bigint, size: bigint) => size - 7n],
  ['2^31', () => 2n ** 31n],
  ['2^32 and the true one', (n: bigint) => 2n ** 32n + n],
  ['2^53', () => 2n ** 53n],
  ['-1', () => 2n ** 64n - 1n],
  ['2^63', () => 2n ** 63n],
].map(([name, length]) =>
  make(`header length ${name as string}`, 'refused', (file) => {
    const original = Buffer.from(file).readBigUInt64LE();
    const lie = (length as (n: bigint, size: bigint) => bigint)(original, BigInt(file.length));
    return Buffer.concat([prefix(lie), file.subarray(8)]);
  }),
);

const texts: FolderMutation[] = [
  make('header is no JSON', 'refused', (file) => join('hello', parts(file).data)),
  make('header is empty', 'refused', (file) => join('', parts(file).data)),
  make('header is null', 'refused', (file) => join('null', parts(file).data)),
  make('header is a number', 'refused', (file) => join('1e400', parts(file).data)),
  make('header is a list', 'refused', (file) => join('[]', parts(file).data)),
  make('header without tensors', 'refused', (file) => join('{}', parts(file).data)),
  make('neither tensors nor data', 'refused', () => join('{}', new Uint8Array())),
  make('more after the header', 'refused', (file) => join(`${parts(file).text}{}`, parts(file).data)),
  make('NUL after the header', 'refused', (file) => join(`${parts(file).text}\0`, parts(file).data)),
  make('spaces before the header', 'refused', (file) => join(` ${parts(file).text}`, parts(file).data)),
  make('byte-order mark', 'refused', (file) => join(`\ufeff${parts(file).text}`, parts(file).data)),
  make('UTF-16', 'refused', (file) => join(Buffer.from(parts(file).text, 'utf16le'), parts(file).data)),
  make('a name that is not UTF-8', 'refused', (file) =>
    join(Buffer.from(parts(file).text.replace('norm', 'no\u00ffrm'), 'latin1'), parts(file).data),
  ),
  make('comments', 'refused', (file) => join(parts(file).text.replace('{', '{/* */'), parts(file).data)),
  make('single quotes', 'refused', (file) => join(parts(file).text.replaceAll('"', "'"), parts(file).data)),
  make('100,000 brackets', 'refused', (file) => join('['.repeat(100_000), parts(file).data)),
  make('100,000 objects', 'refused', (file) => join('{"a":'.repeat(100_000), parts(file).data)),
  make('closed deep nesting', 'refused', (file) =>
    join(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`, parts(file).data),
  ),
  make('a name twice', 'refused', (file) =>
    join(parts(file).text.replace('{', `{${firstNorm(file)},`), parts(file).data),
  ),
  make('a name twice, once escaped', 'refused', (file) =>
    join(parts(file).text.replace('{', `{${firstNorm(file).replace('m', '\\u006d')},`), parts(file).data),
  ),
  make('a property twice', 'refused', (file) =>
    join(parts(file).text.replace('"dtype"', '"dtype":"F32","dtype"'), parts(file).data),
  ),
  make('33 MB of padding', 'refused', (file) => join(parts(file).text.padEnd(33 * 2 ** 20 + 8), parts(file).data)),
  make('a megabyte of padding', 'harmless', (file) => join(parts(file).text.padEnd(2 ** 20), parts(file).data)),
  ...[1, 3, 7].map((odd) =>
    make(`data ${odd} bytes out of line`, 'harmless', (file) => {
      const { text, data } = parts(file);
      return join(text.padEnd(Math.ceil(text.length / 8) * 8 + odd), data);
    }),
  ),
];

/** Changes to the parsed header; `last` is the tensor whose data come last. */
type HeaderCase = readonly [string, Expectation, (header: Header, last: string) => unknown];
const headers: readonly HeaderCase[] = [
  ...[null, [], 5, 'F32', {}, true].map(
    (value) =>
      [
        `a description that is ${JSON.stringify(value)}`,
        'refused',
        (h: Header) => void (h[normOf(h)] = value),
      ] as const,
  ),
  ...(['dtype', 'shape', 'data_offsets'] as const).map(
    (key) => [`no ${key}`, 'refused', (h: Header) => void delete h[normOf(h)][key]] as const,
  ),
  ['an unknown property', 'refused', (h) => void (h[normOf(h)].strides = [1])],
  ...[
    'F128',
    '',
    'f32',
    'F32 ',
    'F8_E4M3',
    'U64',
    'constructor',
    '__proto__',
    'toString',
    'F16',
    'F64',
    'I32',
    'BOOL',
  ].map((code) => [`dtype '${code}'`, 'refused', (h: Header) => void (h[normOf(h)].dtype = code)] as const),
  ...[null, 5, ['F32'], {}].map(
    (code) => [`dtype ${JSON.stringify(code)}`, 'refused', (h: Header) => void (h[normOf(h)].dtype = code)] as const,
  ),
  ...[
    ['negative', (n: number) => [-n]],
    ['of a fraction', (n: number) => [n + 0.5]],
    ['of a text', (n: number) => [String(n)]],
    ['that is a number', (n: number) => n],
    ['null', () => null],
    ['nested', (n: number) => [[n]]],
    ['of a scalar', () => []],
    ['one too large', (n: number) => [n + 1]],
    ['of another rank', (n: number) => [n / 2, 2]],
    ['of rank 17', (n: number) => [...Array<number>(16).fill(1), n]],
    ['of rank 100,000', (n: number) => [...Array<number>(99_999).fill(1), n]],
    ['2^53', () => [2 ** 53]],
    ['that overflows 64 bits', () => [2 ** 32, 2 ** 32]],
    ['that overflows to its size', (n: number) => [2 ** 31, 2 ** 31, n]],
    ['that overflows float64', () => Array<number>(16).fill(2 ** 52)],
    ['of NaN elements', () => [...Array<number>(15).fill(2 ** 52), 2 ** 52, 0]],
    ['of no elements', () => [0]],
  ].map(
    ([name, shape]) =>
      [
        `shape ${name as string}`,
        'refused',
        (h: Header) => {
          const entry = h[normOf(h)];
          entry.shape = (shape as (n: number) => unknown)(entry.shape[0] as number);
        },
      ] as const,
  ),
  ['shape 1e999', 'refused', (h) => JSON.stringify(h).replace('"shape":[', '"shape":[1e999,')],
  ...[
    [[-1, 191], 'negative'],
    [[192, 0], 'reversed'],
    [[0, 2 ** 53], 'beyond the file'],
    [[0.5, 192.5], 'of fractions'],
    [['0', '192'], 'of texts'],
    [[0], 'of one number'],
    [[0, 96, 192], 'of three numbers'],
    [null, 'null'],
    [[0, 1e300], '1e300'],
    [{ 0: 0, 1: 192, length: 2 }, 'of an object'],
  ].map(([offsets, name]): [string, Expectation, (h: Header) => unknown] => [
    `offsets ${name as string}`,
    'refused',
    (h: Header) => void (h[normOf(h)].data_offsets = offsets),
  ]),
  ['offsets that overlap', 'refused', (h, last) => shift(h, last, -4)],
  ['offsets that leave a gap', 'refused', (h, last) => shift(h, last, 4)],
  ['all tensors at the beginning', 'refused', (h) => eachTensor(h, (entry) => (entry.data_offsets = moved(entry, 0)))],
  [
    'all tensors one byte on',
    'refused',
    (h) => eachTensor(h, (entry) => (entry.data_offsets = moved(entry, entry.data_offsets[0] + 1))),
  ],
  ['offsets of another tensor', 'refused', (h, last) => void (h[normOf(h)].data_offsets = h[last].data_offsets)],
  ['data that belong to no tensor', 'refused', (h, last) => void delete h[last]],
  ['a second name for the same data', 'refused', (h) => void (h['model.other.weight'] = h[normOf(h)])],
  ['names in another order', 'harmless', (h) => Object.fromEntries(Object.entries(h).reverse())],
  ...[
    '__proto__',
    'constructor',
    '',
    '../../etc/passwd',
    '/etc/passwd',
    'a\0b',
    '\u001b[2J',
    'x'.repeat(1_000_000),
    '\ud800',
  ].map(
    (name) =>
      [
        `a tensor named ${JSON.stringify(name.slice(0, 20))}`,
        'refused',
        (h: Header) => renamed(h, normOf(h), name),
      ] as const,
  ),
  ...['__proto__', 'x'.repeat(1_000_000), '\u001b[2J'].map(
    (name) =>
      [
        `an empty tensor named ${JSON.stringify(name.slice(0, 20))} beside`,
        'refused',
        (h: Header) =>
          `${JSON.stringify(h).slice(0, -1)},${JSON.stringify(name)}:{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`,
      ] as const,
  ),
  [
    '20,000 empty tensors',
    'refused',
    (h) => {
      for (let i = 0; i < 20_000; i++) h[`t${i}`] = { dtype: 'F32', shape: [0], data_offsets: [0, 0] };
    },
  ],
  ...[5, [], null, { a: 1 }, { a: { b: 'c' } }, { a: null }].map(
    (value) =>
      [`metadata ${JSON.stringify(value)}`, 'refused', (h: Header) => void (h['__metadata__'] = value)] as const,
  ),
  [
    'metadata with odd keys',
    'harmless',
    (h) =>
      `{"__metadata__":{"__proto__":"a","constructor":"b","":"\\u0000"},${JSON.stringify({ ...h, __metadata__: undefined }).slice(1)}`,
  ],
];

const described = headers.map(([name, expect, change]) =>
  make(name, expect, (file) => {
    const { header, data } = parts(file);
    const ends = Object.entries(header).filter(([key]) => key !== '__metadata__');
    const [last] = ends.reduce((a, b) => (a[1].data_offsets[1] > b[1].data_offsets[1] ? a : b));
    return join((change(header, last) ?? header) as Header | string, data);
  }),
);

const wholes: FolderMutation[] = [
  make('empty', 'refused', () => ''),
  make('7 bytes', 'refused', (file) => file.subarray(0, 7)),
  make('8 bytes', 'refused', (file) => file.subarray(0, 8)),
  make('without data', 'refused', (file) => file.subarray(0, file.length - parts(file).data.length)),
  make('one byte short', 'refused', (file) => file.subarray(0, file.length - 1)),
  make('one byte longer', 'refused', (file) => Buffer.concat([file, Buffer.of(0)])),
  make('twice', 'refused', (file) => Buffer.concat([file, file])),
  make('zeros', 'refused', (file) => new Uint8Array(file.length)),
  make('a terabyte of zeros', 'refused', () => ({ zeros: 2 ** 40 })),
  make('a terabyte behind the header', 'refused', (file) => file.subarray(0, 4)),
  make('a zip archive', 'refused', (file) => Buffer.concat([Buffer.from('PK\u0003\u0004'), file])),
  make('random bytes', 'refused', (_, random) => flip(new Uint8Array(5000), random, 20_000)),
  make('data of NaN', 'refused', (file) => join(parts(file).text, parts(file).data.slice().fill(0xff))),
  make('data of infinity', 'refused', (file) => {
    const data = parts(file).data.slice();
    new Float32Array(data.buffer).fill(Infinity);
    return join(parts(file).text, data);
  }),
  make('a folder', 'refused', () => ({ folder: true })),
  make('a pipe', 'refused', () => ({ pipe: true })),
  make('a link out of the folder', 'refused', () => ({ link: '../secret.safetensors' })),
  make('a link to a device', 'refused', () => ({ link: '/dev/zero' })),
  make('a link to itself', 'refused', () => ({ link: FILE })),
  make('a link to nothing', 'refused', () => ({ link: 'nothing' })),
];

/** @param rounds how often each kind of random damage is done */
export function safetensorsMutations(rounds: number): FolderMutation[] {
  return [...lengths, ...texts, ...described, ...wholes, ...randomMutations(rounds)];
}

/** Damage that may fall anywhere, in files of any architecture. */
export function randomMutations(rounds: number): FolderMutation[] {
  const inHeader = (count: number) => (files: Files, random: Random) => {
    const file = bytesOf(files, FILE);
    return { [FILE]: flip(file, random, count, 0, file.length - parts(file).data.length) };
  };
  return [
    ...repeat(rounds * 3, 'a byte of the header changed', 'either', inHeader(1)),
    ...repeat(rounds, 'five bytes of the header changed', 'either', inHeader(5)),
    ...repeat(rounds, 'bytes taken out or put in', 'refused', (files, random) => ({
      [FILE]: splice(bytesOf(files, FILE), random),
    })),
    ...repeat(rounds, 'cut off', 'refused', (files, random) => {
      const file = bytesOf(files, FILE);
      return { [FILE]: file.subarray(0, random.integer(file.length)) };
    }),
  ];
}

type Entry = { data_offsets: [number, number] };

function eachTensor(header: Header, change: (entry: Entry) => void): void {
  for (const [name, entry] of Object.entries(header)) if (name !== '__metadata__') change(entry as Entry);
}

function moved({ data_offsets: [begin, end] }: Entry, to: number): [number, number] {
  return [to, to + end - begin];
}

function shift(header: Header, name: string, by: number): void {
  header[name].data_offsets = moved(header[name] as Entry, header[name].data_offsets[0] + by);
}

/** As text, because `__proto__` would be no key of an object. */
function renamed(header: Header, from: string, to: string): string {
  return JSON.stringify(header).replace(JSON.stringify(from), () => JSON.stringify(to));
}

/** Any vector of the model, which every architecture has. */
function normOf(header: Header): string {
  return Object.keys(header).find((name) => header[name].shape?.length === 1 && name.includes('m'))!;
}

/** Its member in the text of the header. */
function firstNorm(file: Uint8Array): string {
  const { header } = parts(file);
  return `${JSON.stringify(normOf(header))}:${JSON.stringify(header[normOf(header)])}`;
}
