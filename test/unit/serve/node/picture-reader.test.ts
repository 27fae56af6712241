import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/index.ts';
import { pictureReader } from '../../../../src/serve/node/picture-reader.ts';
import { readKeys } from '../../../../src/serve/node/read-keys.ts';

const { signal } = new AbortController();
const dataUrl = (bytes: Uint8Array, type = 'png'): string =>
  `data:image/${type};base64,${Buffer.from(bytes).toString('base64')}`;
const solid = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: 'red' }, limitInputPixels: false });

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(data.length);
  around.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
}

/** A PNG that says it is of a size, with rows of zeros packed as small as they get. */
function pngBomb(width: number, height: number, packed: Uint8Array): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', packed), chunk('IEND', new Uint8Array())]);
}

/** A GIF whose screen is of a size that it has no pixels for. */
function gifBomb(width: number, height: number): Buffer {
  const head = Buffer.from('474946383961000000000000002c00000000000000000002024401003b', 'hex');
  for (const at of [6, 18]) {
    head.writeUInt16LE(width, at);
    head.writeUInt16LE(height, at + 2);
  }
  return head;
}

/** Bytes by which the process grew meanwhile. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss;
  await work();
  return process.memoryUsage().rss - before;
}

describe('pictureReader', () => {
  it('reads the four formats, by their bytes and not by what they are called', async () => {
    const read = pictureReader();
    for (const format of ['png', 'jpeg', 'webp', 'gif'] as const) {
      const bytes = await solid(5, 3).toFormat(format).toBuffer();
      expect(await read(dataUrl(bytes, format), signal)).toMatchObject({ width: 5, height: 3, channels: 3 });
      expect(await read(dataUrl(bytes, 'x-other'), signal)).toMatchObject({ width: 5, height: 3 });
    }
  });

  it('refuses bombs by what they say of themselves, before they go off', async () => {
    const read = pictureReader({ maxPixels: 1_000_000 });
    const zeros = deflateSync(Buffer.alloc(2 ** 24));
    const bombs = {
      'PNG of 65,535 × 65,535': dataUrl(pngBomb(65_535, 65_535, zeros)),
      'PNG of 2³¹ − 1': dataUrl(pngBomb(2 ** 31 - 1, 2 ** 31 - 1, zeros)),
      'JPEG of 9,000 × 9,000': dataUrl(await solid(9000, 9000).jpeg({ quality: 1 }).toBuffer(), 'jpeg'),
      'WebP of 8,000 × 8,000': dataUrl(await solid(8000, 8000).webp({ lossless: true, effort: 0 }).toBuffer(), 'webp'),
      'GIF of 65,535 × 65,535': dataUrl(gifBomb(65_535, 65_535), 'gif'),
    };
    for (const [name, url] of Object.entries(bombs)) {
      const bytes = await growth(() => expect(read(url, signal), name).rejects.toThrow(/pixels|damaged/));
      // The smallest of them would take 190 MB when decoded.
      expect(bytes, name).toBeLessThan(120e6);
    }
  });

  it('refuses SVG and packed SVG, which are programs, and formats that nobody asked for', async () => {
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
    );
    for (const bytes of [
      svg,
      gzipSync(svg),
      await solid(4, 4).tiff().toBuffer(),
      Buffer.from('%PDF-1.7'),
      Buffer.from('BM'),
    ])
      await expect(pictureReader()(dataUrl(bytes), signal)).rejects.toThrow('of no format that is read here');
    // Behind the beginning of another format, too.
    await expect(pictureReader()(dataUrl(Buffer.concat([Buffer.from('GIF89a'), svg])), signal)).rejects.toBeInstanceOf(
      DataError,
    );
  });

  it('refuses damaged and cut off pictures, and data URLs that are none', async () => {
    const read = pictureReader({ maxBytes: 100_000 });
    const whole = await solid(50, 50).jpeg().toBuffer();
    await expect(read(dataUrl(whole.subarray(0, whole.length / 2), 'jpeg'), signal)).rejects.toThrow(
      'damaged or cut off',
    );
    // Fewer pixels than it says: libvips would make them grey.
    await expect(read(dataUrl(pngBomb(900, 900, deflateSync(Buffer.alloc(100)))), signal)).rejects.toBeInstanceOf(
      DataError,
    );
    for (const url of ['data:', 'data:,x', 'data:image/png;base64,@', `data:image/png;base64,${'A'.repeat(200_000)}`])
      await expect(read(url, signal)).rejects.toBeInstanceOf(DataError);
  });

  it('reads no files, and asks the web only where that is allowed', async () => {
    const read = pictureReader();
    for (const address of ['/etc/passwd', 'file:///etc/passwd', 'C:\\x.png', 'blob:x', 'javascript:1', ''])
      await expect(read(address, signal)).rejects.toThrow('at no address of the web');
    await expect(read('https://pictures.example/a.png', signal)).rejects.toThrow('not fetched from the web here');
    const server = createServer(
      (_, response) =>
        void solid(5, 3)
          .png()
          .toBuffer()
          .then((bytes) => response.end(bytes)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const remote = { ports: [port], mayConnect: () => true };
    const picture = await pictureReader({ remote })(`http://127.0.0.1:${port}/x.txt`, signal);
    expect(picture).toMatchObject({ width: 5, height: 3 });
    server.close();
  });

  it('leaves everything but pixels behind', async () => {
    const CANARY = 'canary-51.4778N-0.0015W';
    const bytes = await solid(5, 3)
      .withExif({ IFD0: { ImageDescription: CANARY, Make: CANARY }, IFD3: { GPSLatitudeRef: 'N' } })
      .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf>${CANARY}</rdf></x:xmpmeta>`)
      .jpeg()
      .toBuffer();
    expect(bytes.includes(CANARY)).toBe(true);
    const picture = await pictureReader()(dataUrl(bytes, 'jpeg'), signal);
    expect(Object.keys(picture).sort()).toEqual(['channels', 'data', 'height', 'width']);
    expect(Buffer.from(picture.data.buffer).includes('canary')).toBe(false);
  });

  it('stops for who leaves', async () => {
    const gone = AbortSignal.abort(new Error('left'));
    await expect(pictureReader()(dataUrl(await solid(5, 3).png().toBuffer()), gone)).rejects.toThrow('left');
  });
});

describe('readKeys', () => {
  it('reads a file, and tells when others may read it too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sensorium-keys-'));
    const path = join(folder, 'keys');
    await writeFile(path, 'alice alice-has-a-long-secret-1\n', { mode: 0o600 });
    expect(await readKeys(path)).toMatchObject({ keys: { size: 1 }, warning: undefined });
    await chmod(path, 0o644);
    expect((await readKeys(path)).warning).toContain('chmod 600');
    await writeFile(path, 'x'.repeat(2 ** 20 + 1));
    await expect(readKeys(path)).rejects.toThrow('larger than');
    await expect(readKeys(join(folder, 'none'))).rejects.toBeInstanceOf(DataError);
    await rm(folder, { recursive: true });
  });
});
