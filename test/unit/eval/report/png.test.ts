import sharp from 'sharp';
import { expect, it } from 'vitest';
import { DataError } from '../../../../src/core/errors.ts';
import { encodePicture, pictureUrl } from '../../../../src/eval/report/png.ts';

it('encodes what another decoder reads back equal', async () => {
  const data = Uint8Array.from({ length: 37 * 23 * 3 }, (_, i) => (i * i) % 256);
  const read = await sharp(await encodePicture({ width: 37, height: 23, data }))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([read.info.width, read.info.height, read.info.channels]).toEqual([37, 23, 3]);
  expect(Buffer.from(data).equals(read.data)).toBe(true);
});

it('takes PNG bytes as they are, wherever they lie in a buffer', async () => {
  const png = await encodePicture({ width: 2, height: 1, data: new Uint8Array(6) });
  const shifted = new Uint8Array(png.length + 5);
  shifted.set(png, 5);
  const { url, width, height } = await pictureUrl({ png: shifted.subarray(5) });
  expect([width, height]).toEqual([2, 1]);
  expect(Buffer.from(url.replace('data:image/png;base64,', ''), 'base64').equals(Buffer.from(png))).toBe(true);
});

it.each([
  [{ width: 2, height: 2, data: new Uint8Array(3) }],
  [{ width: 0, height: 2, data: new Uint8Array(0) }],
  [{ width: 100_000, height: 1, data: new Uint8Array(300_000) }],
  [{ png: new Uint8Array(4) }],
  [{ png: new TextEncoder().encode('<svg onload="alert(1)"></svg>'.repeat(4)) }],
])('refuses what is no picture', async (picture) => {
  await expect(pictureUrl(picture)).rejects.toThrow(DataError);
});
