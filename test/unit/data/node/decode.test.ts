import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DataError } from '../../../../src/core/index.ts';
import { decodePicture, readPicture } from '../../../../src/data/node/decode.ts';

const RED = { r: 200, g: 20, b: 10 };
const plain = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: RED } });
/** Left half red, right half blue, 8 × 4. */
const halves = (): Sharp => {
  const data = Buffer.alloc(8 * 4 * 3);
  for (let i = 0; i < 32; i++) data.set(i % 8 < 4 ? [255, 0, 0] : [0, 0, 255], i * 3);
  return sharp(data, { raw: { width: 8, height: 4, channels: 3 } });
};
const at = (picture: { width: number; data: Uint8Array }, x: number, y: number): number[] => [
  ...picture.data.subarray((y * picture.width + x) * 3, (y * picture.width + x) * 3 + 3),
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-decode-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('decodePicture', () => {
  it.each(['png', 'webp', 'gif', 'tiff', 'jpeg', 'avif'] as const)('reads %s', async (format) => {
    const picture = await decodePicture(await plain(5, 3).toFormat(format, { quality: 100 }).toBuffer(), 'a');
    expect(picture).toMatchObject({ width: 5, height: 3, channels: 3 });
    expect(picture.data).toHaveLength(45);
    expect(Math.abs(picture.data[0]! - RED.r)).toBeLessThan(6);
  });

  it('turns a picture upright by its EXIF orientation', async () => {
    const bytes = await halves().withMetadata({ orientation: 6 }).png().toBuffer();
    const picture = await decodePicture(bytes, 'a');
    expect([picture.width, picture.height]).toEqual([4, 8]);
    expect([at(picture, 1, 0), at(picture, 1, 7)]).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ]);
  });

  it('lays transparent parts on the background', async () => {
    const bytes = await sharp({
      create: { width: 1, height: 1, channels: 4, background: { r: 100, g: 100, b: 100, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect([...(await decodePicture(bytes, 'a')).data]).toEqual([255, 255, 255]);
    expect([...(await decodePicture(bytes, 'a', { background: [1, 2, 3] })).data]).toEqual([1, 2, 3]);
  });

  it('makes RGB of greyscale and 8 bits of 16', async () => {
    const grey = await plain(2, 2).greyscale().png().toBuffer();
    const [value] = (await decodePicture(grey, 'a')).data;
    expect([...(await decodePicture(grey, 'a')).data]).toEqual(Array(12).fill(value));
    const deep = await sharp(Uint16Array.of(65535, 32896, 0), { raw: { width: 1, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    expect([...(await decodePicture(deep, 'a')).data]).toEqual([255, 128, 0]);
  });

  it('takes the upper 8 of 16 bits in greyscale and beside alpha', async () => {
    const deep = (values: number[], channels: 1 | 4, space: string): Promise<Buffer> =>
      sharp(Uint16Array.from(values), { raw: { width: 2, height: 1, channels } })
        .toColourspace(space)
        .png()
        .toBuffer();
    const grey = await deep([0x1234, 0xfe01], 1, 'grey16');
    expect(await sharp(grey).metadata()).toMatchObject({ depth: 'ushort', channels: 1 });
    expect([...(await decodePicture(grey, 'a')).data]).toEqual([0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe]);
    const alpha = await deep([0x1234, 0x5678, 0x9abc, 0xffff, 0x1234, 0x5678, 0x9abc, 0], 4, 'rgb16');
    expect(await sharp(alpha).metadata()).toMatchObject({ depth: 'ushort', channels: 4 });
    expect([...(await decodePicture(alpha, 'a', { background: [1, 2, 3] })).data]).toEqual([0x12, 0x56, 0x9a, 1, 2, 3]);
  });

  it('leaves colour profiles aside', async () => {
    const bytes = await plain(4, 4).withIccProfile('p3').png().toBuffer();
    const { data } = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true });
    // In the file stands what the profile makes of the colour, which is what is read.
    expect([...data.subarray(0, 3)]).not.toEqual([200, 20, 10]);
    expect([...(await decodePicture(bytes, 'a')).data.subarray(0, 3)]).toEqual([...data.subarray(0, 3)]);
  });

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(48, 255), Buffer.alloc(48, 0)]);
    const gif = await sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } })
      .gif({ loop: 0 })
      .toBuffer();
    const picture = await decodePicture(gif, 'a');
    expect([picture.width, picture.height, picture.data[0]]).toEqual([4, 4, 255]);
  });

  it.each(['png', 'jpeg', 'webp', 'gif'] as const)('refuses a truncated %s', async (format) => {
    const noise = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: RED,
        noise: { type: 'gaussian', mean: 128, sigma: 60 },
      },
    })
      .toFormat(format)
      .toBuffer();
    for (const part of [0.3, 0.7])
      await expect(decodePicture(noise.subarray(0, noise.length * part), 'cut.img')).rejects.toThrow(
        /cut\.img is damaged or cut off[^]*→/,
      );
  });

  it('refuses a TIFF that is cut off', async () => {
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
    const create = { width: 48, height: 32, channels: 3, background: RED, noise } as const;
    const tiff = await sharp({ create }).tiff().toBuffer();
    await expect(decodePicture(tiff.subarray(0, tiff.length * 0.9), 'cut.tiff')).rejects.toThrow(/damaged or cut off/);
  });

  it('ends the drawing of an SVG that takes too long, and refuses packed ones', async () => {
    const filter = `<filter id="f">${'<feTurbulence numOctaves="1000"/>'.repeat(20)}</filter>`;
    const inside = `${filter}<rect width="2000" height="2000" filter="url(#f)"/>`;
    const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="2000">${inside}</svg>`);
    await expect(decodePicture(svg, 'slow.svg', { maxSeconds: 1 })).rejects.toThrow(/more than 1 seconds to draw[^]*→/);
    await expect(decodePicture(gzipSync(svg), 'packed.svgz')).rejects.toThrow('not a picture that can be read');
  });

  it('refuses what is not a picture', async () => {
    await expect(decodePicture(new Uint8Array(), 'x')).rejects.toThrow('x is empty');
    await expect(decodePicture(Buffer.from('just text'), 'x')).rejects.toThrow('x is not a picture');
    await expect(decodePicture(new Uint8Array(1000).fill(7), 'x')).rejects.toBeInstanceOf(DataError);
    await expect(decodePicture(Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'), 'x')).rejects.toBeInstanceOf(DataError);
  });

  it('refuses a damaged picture', async () => {
    const bytes: Uint8Array = await plain(64, 64).png().toBuffer();
    const damaged = Uint8Array.from(bytes, (byte, i) => (i > 60 && i < 100 ? byte ^ 0x55 : byte));
    await expect(decodePicture(damaged, 'x')).rejects.toBeInstanceOf(DataError);
  });

  it('refuses too many pixels without decoding them', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"/>');
    await expect(decodePicture(svg, 'bomb.svg')).rejects.toThrow('bomb.svg has');
    const bytes = await plain(100, 100).png().toBuffer();
    await expect(decodePicture(bytes, 'x', { maxPixels: 9999 })).rejects.toThrow('9999');
    await expect(decodePicture(bytes, 'x', { maxBytes: 10 })).rejects.toThrow('larger than 10 bytes');
  });
});

describe('readPicture', () => {
  it('reads a file and names the one it cannot read', async () => {
    const file = join(folder, 'a.png');
    await writeFile(file, await plain(2, 2).png().toBuffer());
    expect((await readPicture(file)).data).toHaveLength(12);
    await expect(readPicture(join(folder, 'none.png'))).rejects.toThrow('none.png does not exist');
    await expect(readPicture(folder)).rejects.toBeInstanceOf(DataError);
    const huge = join(folder, 'huge.png');
    await writeFile(huge, '');
    await truncate(huge, 200 * 2 ** 20);
    await expect(readPicture(huge)).rejects.toThrow('huge.png is larger');
  });
});
