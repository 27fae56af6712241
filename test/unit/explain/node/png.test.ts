import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { DataError } from '../../../../src/core/errors.ts';
import { writePng } from '../../../../src/explain/node/png.ts';

it('writes a picture that reads back equal, and leaves nothing behind when it cannot', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'png-'));
  try {
    const data = Uint8Array.from({ length: 5 * 3 * 3 }, (_, i) => (i * 37) % 256);
    await writePng(join(folder, 'a.png'), { width: 5, height: 3, data });
    const read = await sharp(join(folder, 'a.png')).raw().toBuffer({ resolveWithObject: true });
    expect([read.info.width, read.info.height, read.info.channels]).toEqual([5, 3, 3]);
    expect([...read.data]).toEqual([...data]);
    await expect(writePng(join(folder, 'b.png'), { width: 5, height: 4, data })).rejects.toThrow(DataError);
    await expect(writePng(join(folder, 'no', 'c.png'), { width: 5, height: 3, data })).rejects.toThrow(DataError);
    expect(await readdir(folder)).toEqual(['a.png']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
