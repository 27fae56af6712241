/** Pictures that are damaged, that lie about their size, or that were made to use up a machine. */
import { gzipSync } from 'node:zlib';
import type { Random } from '../../src/core/index.ts';
import { type Expectation, flip, type PictureMutation, splice } from './mutation.ts';
import {
  FORMATS,
  original,
  chunk,
  png,
  grey,
  zeros,
  keyed,
  svg,
  frames,
  lying,
  fixedPng,
  frameOf,
  tiff,
  exif,
} from './picture-files.ts';

const CASES: readonly [string, Expectation, PictureMutation['make']][] = [
  ['nothing', 'refused', () => new Uint8Array()],
  ['one byte', 'refused', () => Uint8Array.of(0)],
  ['zeros', 'refused', () => new Uint8Array(10_000)],
  ['65 MB', 'refused', () => new Uint8Array(65 * 2 ** 20)],
  ['text', 'refused', () => Buffer.from('hello')],
  ['a web page', 'refused', () => Buffer.from('<!doctype html><html><body>404</body></html>')],
  ['XML', 'refused', () => Buffer.from('<?xml version="1.0"?><feed/>')],
  ['a PDF', 'refused', () => Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\n')],
  ['a zip archive', 'refused', () => Buffer.from('504b0304140000000800', 'hex')],
  ['an executable', 'refused', () => Buffer.concat([Buffer.from('7f454c46', 'hex'), new Uint8Array(100)])],
  ['a bitmap', 'refused', () => Buffer.concat([Buffer.from('BM'), new Uint8Array(100)])],
  ['a portable pixmap', 'refused', () => Buffer.from('P6 1000000000 1000000000 255\n')],
  ['only the beginning of a PNG', 'refused', () => Buffer.from('89504e470d0a1a0a', 'hex')],
  ...FORMATS.map((format): [string, Expectation, PictureMutation['make']] => [
    `only the beginning of a ${format}`,
    'refused',
    async () => (await original(format)).subarray(0, 16),
  ]),
  ['PNG of 50000 × 50000, little data', 'refused', () => png(50_000, 50_000, zeros(1000))],
  ['PNG of 50000 × 50000, 1 bit', 'refused', () => png(50_000, 50_000, zeros(2 ** 20), [], 1)],
  ['PNG of 2^31 × 2^31', 'refused', () => png(2 ** 31, 2 ** 31, zeros(10))],
  ['PNG of 2^31 - 1 × 1', 'refused', () => png(2 ** 31 - 1, 1, zeros(10))],
  ['PNG of 0 × 0', 'refused', () => png(0, 0, zeros(0))],
  ['PNG of 7000 × 7000, little data', 'refused', () => png(7000, 7000, zeros(1000))],
  ['PNG of 7000 × 7000, all of it', 'harmless', () => png(7000, 7000, grey(7000, 7000))],
  ['PNG of 16 × 16 with 64 MB of data', 'either', () => png(16, 16, zeros(64 * 2 ** 20))],
  [
    'PNG with 64 MB of compressed text',
    'either',
    () => png(16, 16, grey(16, 16), [chunk('zTXt', keyed('Comment', Uint8Array.of(0), zeros(64 * 2 ** 20)))]),
  ],
  [
    'PNG with 20 such texts',
    'either',
    () => {
      const text = chunk('zTXt', keyed('Comment', Uint8Array.of(0), zeros(20 * 2 ** 20)));
      return png(
        16,
        16,
        grey(16, 16),
        Array.from({ length: 20 }, () => text),
      );
    },
  ],
  [
    'PNG with a colour profile of 64 MB',
    'either',
    () => png(16, 16, grey(16, 16), [chunk('iCCP', keyed('icc', Uint8Array.of(0), zeros(64 * 2 ** 20)))]),
  ],
  [
    'PNG with 200,000 empty texts',
    'either',
    () => {
      const text = chunk('tEXt', Buffer.from('a\0b'));
      return png(
        16,
        16,
        grey(16, 16),
        Array.from({ length: 200_000 }, () => text),
      );
    },
  ],
  ['PNG with a chunk of 4 GB', 'refused', async () => lying('png', (bytes) => bytes.writeUInt32BE(0xffffffff, 33))],
  ['PNG of a wrong checksum', 'either', async () => lying('png', (bytes) => bytes.writeUInt32BE(0, 29))],
  ['PNG of twice the height', 'refused', async () => lying('png', (bytes) => fixedPng(bytes, 48, 64))],
  ['PNG of half the height', 'either', async () => lying('png', (bytes) => fixedPng(bytes, 48, 16))],
  [
    'JPEG of 65535 × 65535',
    'refused',
    async () => lying('jpeg', (bytes) => bytes.writeUInt32BE(0xffffffff, frameOf(bytes))),
  ],
  [
    'JPEG of 7000 × 7000, little data',
    'either',
    async () =>
      lying('jpeg', (bytes) => {
        bytes.writeUInt16BE(7000, frameOf(bytes));
        bytes.writeUInt16BE(7000, frameOf(bytes) + 2);
      }),
  ],
  ['JPEG of height 0', 'refused', async () => lying('jpeg', (bytes) => bytes.writeUInt16BE(0, frameOf(bytes)))],
  ['GIF of 65535 × 65535', 'harmless', async () => lying('gif', (bytes) => bytes.writeUInt32LE(0xffffffff, 6))],
  ['GIF of 5000 frames', 'harmless', () => frames(5000)],
  ['GIF of 5000 frames of 7000 × 7000', 'harmless', () => frames(5000, 7000, 7000)],
  ['WebP of 16383 × 16383', 'refused', async () => lying('webp', (bytes) => bytes.writeUInt32LE(0x3fff3fff, 26))],
  [
    'TIFF of 10^6 × 10^6',
    'refused',
    () =>
      tiff([
        [256, 1_000_000],
        [257, 1_000_000],
        [258, 8],
        [259, 1],
        [262, 1],
        [273, 8],
        [278, 1_000_000],
        [279, 1],
      ]),
  ],
  [
    'TIFF in strips of 4 GB',
    'refused',
    () =>
      tiff([
        [256, 100],
        [257, 100],
        [258, 8],
        [259, 1],
        [262, 1],
        [273, 8],
        [278, 100],
        [279, 0xffffffff],
      ]),
  ],
  [
    'TIFF in tiles of 2^30',
    'refused',
    () =>
      tiff([
        [256, 100],
        [257, 100],
        [258, 8],
        [259, 1],
        [262, 1],
        [322, 2 ** 30],
        [323, 2 ** 30],
        [324, 8],
        [325, 1],
      ]),
  ],
  [
    'TIFF whose pages go in circles',
    'either',
    () =>
      tiff(
        [
          [256, 4],
          [257, 4],
          [258, 8],
          [259, 1],
          [262, 1],
          [273, 8],
          [278, 4],
          [279, 16],
        ],
        8,
      ),
  ],
  [
    'TIFF of 60000 channels',
    'refused',
    () =>
      tiff([
        [256, 100],
        [257, 100],
        [258, 8],
        [259, 1],
        [262, 1],
        [273, 8],
        [277, 60_000],
        [278, 100],
        [279, 10_000],
      ]),
  ],
  ['SVG', 'harmless', () => svg('<rect width="8" height="8"/>')],
  ['SVG of 10^9 × 10^9', 'either', () => svg('', 'width="1000000000" height="1000000000"')],
  ['SVG of a negative size', 'refused', () => svg('', 'width="-5" height="-5"')],
  ['SVG of size NaN', 'either', () => svg('', 'width="NaN" height="1e999"')],
  [
    'SVG with a file',
    'either',
    () =>
      svg(
        '<image href="file:///etc/passwd" width="16" height="16"/><image xlink:href="/etc/hostname" width="16" height="16"/>',
      ),
  ],
  [
    'SVG with pictures from elsewhere',
    'harmless',
    () =>
      svg('<image href="http://127.0.0.1:9/a.png" width="16" height="16"/><use href="http://127.0.0.1:9/b.svg#c"/>'),
  ],
  [
    'SVG with an entity of a file',
    'either',
    () =>
      svg(
        '<text y="9">&a;</text>',
        'width="16" height="16"',
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
      ),
  ],
  [
    'SVG with a style sheet from elsewhere',
    'harmless',
    () => svg('<style>@import url("file:///etc/passwd");</style><rect width="9" height="9"/>'),
  ],
  [
    'SVG with an inclusion',
    'either',
    () => svg('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'),
  ],
  ['SVG with a script', 'harmless', () => svg('<script>while (true) {}</script><rect width="8" height="8"/>')],
  [
    'SVG of a billion laughs',
    'refused',
    () =>
      svg(
        '<text>&j;</text>',
        'width="16" height="16"',
        `<!DOCTYPE svg [<!ENTITY a "ha">${'bcdefghij'
          .split('')
          .map((name, i) => `<!ENTITY ${name} "${`&${'abcdefghi'[i]};`.repeat(10)}">`)
          .join('')}]>`,
      ),
  ],
  [
    'SVG of 10^9 uses',
    'either',
    () =>
      svg(
        `<defs><rect id="a0" width="1" height="1"/>${Array.from({ length: 9 }, (_, i) => `<g id="a${i + 1}">${`<use href="#a${i}"/>`.repeat(10)}</g>`).join('')}</defs><use href="#a9"/>`,
      ),
  ],
  ['SVG that uses itself', 'either', () => svg('<g id="a"><use href="#a"/><use href="#a"/></g>')],
  [
    'SVG of patterns in patterns',
    'either',
    () =>
      svg(
        `<defs>${Array.from({ length: 9 }, (_, i) => `<pattern id="p${i}" width="0.1" height="0.1"><rect width="9" height="9" fill="url(#p${i + 1})"/></pattern>`).join('')}<pattern id="p9" width="1" height="1"/></defs><rect width="16" height="16" fill="url(#p0)"/>`,
      ),
  ],
  [
    'SVG within an SVG within …',
    'either',
    () => {
      let inner = '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"/>';
      for (let i = 0; i < 20; i++)
        inner = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><image width="16" height="16" href="data:image/svg+xml;base64,${Buffer.from(inner).toString('base64')}"/></svg>`;
      return Buffer.from(inner);
    },
  ],
  [
    'SVG with a PNG of 50000 × 50000',
    'either',
    () =>
      svg(
        `<image width="16" height="16" href="data:image/png;base64,${Buffer.from(png(50_000, 50_000, zeros(1000))).toString('base64')}"/>`,
      ),
  ],
  [
    'SVG blurred by 10^6',
    'either',
    () =>
      svg(
        '<filter id="f"><feGaussianBlur stdDeviation="1000000"/></filter><rect width="900" height="900" filter="url(#f)"/>',
        'width="1000" height="1000"',
      ),
  ],
  [
    'SVG of heavy turbulence',
    'refused',
    () =>
      svg(
        `<filter id="f" x="0" y="0" width="1" height="1">${'<feTurbulence baseFrequency="0.5" numOctaves="1000"/>'.repeat(20)}</filter><rect width="6000" height="6000" filter="url(#f)"/>`,
        'width="6000" height="6000"',
      ),
  ],
  ['SVG of 100,000 nested groups', 'either', () => svg('<g>'.repeat(100_000) + '</g>'.repeat(100_000))],
  ['SVG of a million elements', 'either', () => svg('<a/>'.repeat(1_000_000))],
  ['SVG of a path of 10 MB', 'either', () => svg(`<path d="M0 0${'L1 1L0 1'.repeat(1_250_000)}"/>`)],
  ['SVG of a text of 10 MB', 'either', () => svg(`<text y="9">${'a'.repeat(10_000_000)}</text>`)],
  [
    'SVG packed, of 50 MB',
    'refused',
    () =>
      gzipSync(
        Buffer.concat([
          Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>'),
          Buffer.alloc(50 * 2 ** 20, 97),
          Buffer.from('</desc></svg>'),
        ]),
        { level: 1 },
      ),
  ],
  [
    'PNG that is a zip archive too',
    'either',
    async () => Buffer.concat([await original('png'), Buffer.from('504b0506', 'hex'), new Uint8Array(18)]),
  ],
  [
    'GIF that is a script too',
    'either',
    () => Buffer.concat([Buffer.from('GIF89a/*'), new Uint8Array(200), Buffer.from('*/=1;alert(1)')]),
  ],
  ['JPEG named a PNG', 'harmless', () => original('jpeg')],
  [
    'JPEG with PNG magic',
    'refused',
    async () => Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), await original('jpeg')]),
  ],
  [
    'JPEG with an orientation of 99',
    'harmless',
    () => exif(Buffer.from('45786966000049492a0008000000010012010300010000006300000000000000', 'hex')),
  ],
  [
    'JPEG whose EXIF goes in circles',
    'harmless',
    () => exif(Buffer.from('45786966000049492a0008000000010012010300010000000600000008000000', 'hex')),
  ],
  ['JPEG with EXIF of 65,000 entries', 'harmless', () => exif(Buffer.from('45786966000049492a0008000000ffff', 'hex'))],
];

/** @param rounds how often each kind of random damage is done to each format */
export function pictureMutations(rounds: number): PictureMutation[] {
  const damage: [string, Expectation, number, (bytes: Uint8Array, random: Random) => Uint8Array][] = [
    ['cut off', 'refused', rounds, (bytes, random) => bytes.subarray(0, 1 + random.integer(bytes.length * 0.95))],
    ['a byte changed', 'either', rounds, (bytes, random) => flip(bytes, random, 1)],
    ['ten bytes changed', 'either', rounds, (bytes, random) => flip(bytes, random, 10)],
    ['bytes of the beginning changed', 'either', rounds, (bytes, random) => flip(bytes, random, 3, 0, 64)],
    ['bytes taken out or put in', 'either', rounds, splice],
  ];
  const random = FORMATS.flatMap((format) =>
    damage.flatMap(([name, expect, count, change]) =>
      Array.from({ length: count }, (_, i): PictureMutation => ({
        name: `${format}: ${name} ${i}`,
        expect,
        make: async (source) => change(await original(format), source),
      })),
    ),
  );
  return [...CASES.map(([name, expect, make]) => ({ name, expect, make })), ...random];
}
