// Picture files as PIL reads them; see make/pictures.py.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decodePicture } from '../../src/data/node/decode.ts';

interface Entry {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly file: string;
  readonly rgb: string;
}

const { pictures } = JSON.parse(readFileSync(new URL('fixtures/pictures.json', import.meta.url), 'utf8')) as {
  pictures: Entry[];
};

// No tolerance: codecs decode by the same rules, and what is laid on white or made of inks is rounded as PIL rounds it.
it.each(pictures)('$name', async ({ name, width, height, file, rgb }) => {
  const picture = await decodePicture(Buffer.from(file, 'base64'), name);
  expect([picture.width, picture.height, picture.channels]).toEqual([width, height, 3]);
  expect(Buffer.from(picture.data).equals(Buffer.from(rgb, 'base64'))).toBe(true);
});
