/** The built page is small, whole, and names nothing elsewhere. */
import { beforeAll, expect, it } from 'vitest';
import { build } from '../../scripts/setup/steps.mjs';
import { readPageFiles } from '../../src/serve/node/index.ts';
import type { PageFiles } from '../../src/serve/playground.ts';

/** Bytes of all files, compressed. */
const BUDGET = 150_000;

let files: PageFiles;
beforeAll(async () => {
  build();
  files = await readPageFiles();
});

it('has all its files within 150 kB, compressed', () => {
  const names = [...files.keys()].map((name) => name.replace(/-[\w-]{8}\./, '.')).toSorted();
  expect(names).toEqual([
    'assets/index.js',
    'assets/style.css',
    'index.html',
    'mark.svg',
    ...['fruit', 'garden', 'pets', 'street', 'table'].map((name) => `samples/${name}.svg`),
  ]);
  const bytes = [...files.values()].reduce((sum, { bytes, packed = bytes }) => sum + packed.length, 0);
  expect(bytes).toBeLessThanOrEqual(BUDGET);
});

it('names no other server, and nothing that its policy forbids', () => {
  for (const [name, { bytes }] of files) {
    const text = new TextDecoder().decode(bytes);
    // Names of namespaces look like addresses and are none.
    const addresses = (text.match(/(?:https?:)?\/\/[\w.-]+\.[a-z]{2,}[^\s"'`)]*/g) ?? []).filter(
      (address) => !address.includes('//www.w3.org/'),
    );
    expect(addresses, name).toEqual([]);
    expect(text, name).not.toMatch(/\beval\(|new Function\(|@import/);
  }
  const html = new TextDecoder().decode(files.get('index.html')!.bytes);
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)|\son\w+=/);
});
