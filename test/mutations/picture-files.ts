/** Small pictures, good ones and such as no program writes. */
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

export const FORMATS = ['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif'] as const;
export type Format = (typeof FORMATS)[number];

const made = new Map<Format, Promise<Uint8Array>>();

/** Noise of 48 × 32, made once for each format. */
export function original(format: Format): Promise<Uint8Array> {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const create = { width: 48, height: 32, channels: 3, background: '#888', noise } as const;
  const bytes = made.get(format) ?? sharp({ create }).toFormat(format).toBuffer();
  made.set(format, bytes);
  return bytes;
}

/** A chunk of a PNG with a true checksum. */
export function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc(body));
  return Buffer.concat([length, body, sum]);
}

/** Older releases of Node 20 have no `crc32`. */
function crc(bytes: Uint8Array): number {
  if (typeof crc32 === 'function') return crc32(bytes);
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let i = 0; i < 8; i++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

export function png(
  width: number,
  height: number,
  data: Uint8Array,
  more: Uint8Array[] = [],
  depth = 8,
  colour = 0,
): Uint8Array {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([depth, colour, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', head), ...more, chunk('IDAT', data), chunk('IEND', new Uint8Array())]);
}

export const grey = (width: number, height: number): Uint8Array => deflateSync(Buffer.alloc((width + 1) * height));
export const zeros = (bytes: number): Uint8Array => deflateSync(Buffer.alloc(bytes), { level: 9 });
export const keyed = (text: string, method: Uint8Array, data: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${text}\0`, 'latin1'), method, data]);

export const svg = (inside: string, size = 'width="16" height="16"', before = ''): Uint8Array =>
  Buffer.from(
    `${before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${size}>${inside}</svg>`,
  );

/** A GIF of many frames, each of one pixel. */
export function frames(count: number, width = 16, height = 16): Uint8Array {
  const head = Buffer.concat([
    Buffer.from('GIF89a'),
    size(width, height),
    Buffer.of(0x80, 0, 0, 0, 0, 0, 255, 255, 255),
  ]);
  const frame = Buffer.concat([
    Buffer.from('21f904000a000000', 'hex'),
    Buffer.of(0x2c, 0, 0, 0, 0),
    size(1, 1),
    Buffer.from('000202440100', 'hex'),
  ]);
  return Buffer.concat([head, ...Array.from({ length: count }, () => frame), Buffer.of(0x3b)]);
}

export function size(width: number, height: number): Uint8Array {
  const out = Buffer.alloc(4);
  out.writeUInt16LE(width);
  out.writeUInt16LE(height, 2);
  return out;
}

/** Writes other sizes into a good file: the byte position of width and height, and how they are written. */
export async function lying(format: Format, change: (bytes: Buffer) => void): Promise<Uint8Array> {
  const bytes = Buffer.from(await original(format));
  change(bytes);
  return bytes;
}

export function fixedPng(bytes: Buffer, width: number, height: number): void {
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(crc(bytes.subarray(12, 29)), 29);
}

/** The position of a JPEG's frame header. */
export function frameOf(bytes: Buffer): number {
  return bytes.findIndex((byte, i) => byte === 0xff && (bytes[i + 1] === 0xc0 || bytes[i + 1] === 0xc2)) + 5;
}

/** A little-endian TIFF of one page without data. @param next where the next page is said to be */
export function tiff(entries: readonly (readonly [tag: number, value: number])[], next = 0): Uint8Array {
  const out = Buffer.alloc(8 + 2 + entries.length * 12 + 4 + 16);
  out.write('II*\0', 'latin1');
  out.writeUInt32LE(8, 4);
  out.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, value], i) => {
    const at = 10 + i * 12;
    out.writeUInt16LE(tag, at);
    out.writeUInt16LE(4, at + 2);
    out.writeUInt32LE(1, at + 4);
    out.writeUInt32LE(value, at + 8);
  });
  out.writeUInt32LE(next, 10 + entries.length * 12);
  return out;
}

/** A JPEG with this behind its first marker. */
export async function exif(segment: Uint8Array): Promise<Uint8Array> {
  const bytes = await original('jpeg');
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, (segment.length + 2) >> 8, (segment.length + 2) & 255]);
  return Buffer.concat([head, segment, bytes.subarray(2)]);
}
