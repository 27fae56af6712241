import { DataError } from '../../core/errors.ts';
import type { ReportPicture } from './types.ts';

/**
 * A picture as a data URL. Pixels become a PNG file (W3C Portable Network Graphics, third edition) with the web's own
 * `CompressionStream`, so that a report can also be made in a browser.
 * @throws DataError when sizes do not fit or the bytes are no PNG
 */
export async function pictureUrl(picture: ReportPicture): Promise<{ url: string; width: number; height: number }> {
  const bytes = 'png' in picture ? picture.png : await encodePicture(picture);
  return { url: `data:image/png;base64,${toBase64(bytes)}`, ...pngSize(bytes) };
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;
/** Pixels on a side; more is no picture for a report. */
const MAX_SIDE = 8192;

function pngSize(bytes: Uint8Array): { width: number; height: number } {
  if (bytes.length < 33 || SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new DataError('a picture of the report is no PNG file', 'give the bytes of a PNG file, or pixels in RGB');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** Bytes of a PNG file with 8 bits each of red, green and blue. */
export async function encodePicture(picture: {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}): Promise<Uint8Array> {
  const { width, height, data } = picture;
  const isSide = (side: number): boolean => Number.isInteger(side) && side > 0 && side <= MAX_SIDE;
  if (!isSide(width) || !isSide(height) || data.length !== width * height * 3) {
    throw new DataError(`a picture of ${width} × ${height} pixels in RGB cannot have ${data.length} bytes`);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // Depth 8, colour type 2 (RGB), and the only methods of compression, filtering and interlacing that are allowed.
  header.set([8, 2, 0, 0, 0], 8);
  const compressed = await deflate(filterRows(picture));
  return join([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', compressed),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/** Rows with the filter "up" (difference to the row above), which suits flat drawings. */
function filterRows({ width, height, data }: { width: number; height: number; data: Uint8Array }): Uint8Array {
  const stride = width * 3;
  const rows = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const at = y * (stride + 1);
    rows[at] = 2;
    for (let x = 0; x < stride; x++) {
      const above = y > 0 ? data[(y - 1) * stride + x]! : 0;
      rows[at + 1 + x] = data[y * stride + x]! - above;
    }
  }
  return rows;
}

async function deflate(bytes: Uint8Array): Promise<Uint8Array> {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  return new Uint8Array(await new Response(source.pipeThrough(new CompressionStream('deflate'))).arrayBuffer());
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(body, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < body.length + 8; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  view.setUint32(body.length + 8, (crc ^ 0xffffffff) >>> 0);
  return bytes;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  // In pieces, because a call has room for so many arguments only.
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
