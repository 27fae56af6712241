import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { picture } from '../../../src/data/image.ts';
import { resize, type ResizeFilter } from '../../../src/data/resize.ts';

interface Result {
  readonly filter: ResizeFilter;
  readonly width: number;
  readonly height: number;
  readonly data: string;
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/resize.json', import.meta.url), 'utf8')) as {
  pillow: string;
  sources: (Omit<Result, 'filter'> & { results: Result[] })[];
};
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

describe(`resize equals Pillow ${fixture.pillow} byte for byte`, () => {
  const cases = fixture.sources.flatMap((source, i) =>
    source.results.map((result) => ({ ...result, source, i, from: `${source.width} × ${source.height}` })),
  );
  it.each(cases)('$filter, source $i, $from → $width × $height', ({ source, filter, width, height, data }) => {
    const resized = resize(picture(source.width, source.height, 3, bytes(source.data)), width, height, filter);
    expect(Buffer.from(resized.data).equals(Buffer.from(bytes(data)))).toBe(true);
  });
});
