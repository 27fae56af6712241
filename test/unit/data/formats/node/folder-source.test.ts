import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSampleSource } from '../../../../../src/data/node/index.ts';
import type { Sample } from '../../../../../src/data/index.ts';

const NOW = { seed: 1, epoch: 0 };
let root: string;
let png: Buffer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sensorium-folder-'));
  png = await sharp({ create: { width: 4, height: 3, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A folder of files; `undefined` stands for a small picture. */
async function folder(name: string, files: Record<string, string | undefined>): Promise<string> {
  for (const [file, contents] of Object.entries(files)) {
    await mkdir(dirname(join(root, name, file)), { recursive: true });
    await writeFile(join(root, name, file), contents ?? png);
  }
  return join(root, name);
}

const answer = ({ conversations }: Sample): string =>
  conversations[0]!
    .at(-1)!
    .content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`))
    .join('');
const question = ({ conversations }: Sample): string =>
  conversations[0]![0]!.content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('');

describe('folders with captions', () => {
  it('reads cat.txt beside cat.png', async () => {
    const path = await folder('pairs', {
      'b/cat.png': undefined,
      // With a byte order mark, as Windows writes it.
      'b/cat.txt': '\uFEFF A cat. \n',
      'a.png': undefined,
      'a.txt': 'A.',
    });
    const source = await openSampleSource({ path, questions: ['What is it?'] });
    expect(source.length).toBe(2);
    const sample = await source.sample(1, NOW);
    expect(sample.id).toBe('b/cat.png');
    expect([question(sample), answer(sample)]).toEqual(['[image]What is it?', 'A cat.']);
    expect(await sample.pictures[0]!.open()).toMatchObject({ width: 4 });
  });

  it('says which picture has no caption, and refuses links among captions', async () => {
    const path = await folder('gaps', {
      'a.png': undefined,
      'a.txt': 'A.',
      'b.png': undefined,
      'c.png': undefined,
      'd.png': undefined,
      'd.txt': ' ',
    });
    await symlink('/etc/hostname', join(path, 'c.txt'));
    const source = await openSampleSource({ path });
    await expect(source.sample(1, NOW)).rejects.toThrow(/b\.png has no caption/);
    await expect(source.sample(2, NOW)).rejects.toThrow(/c\.txt leads out of/);
    await expect(source.sample(3, NOW)).rejects.toThrow(/d\.txt is empty/);
    const skipping = await openSampleSource({ path, onBadSample: 'skip' });
    expect((await skipping.sample(1, NOW)).id).toBe('a.png');
  });

  it('takes names of folders for what they show', async () => {
    const path = await folder('kinds', { 'red_cup/1.png': undefined, 'spoon/2.png': undefined });
    const source = await openSampleSource({ path });
    expect([answer(await source.sample(0, NOW)), answer(await source.sample(1, NOW))]).toEqual(['red cup', 'spoon']);
  });

  it('reads metadata.jsonl and metadata.csv, wherever they stand', async () => {
    const path = await folder('meta', {
      'train/x.png': undefined,
      'train/metadata.csv': 'file_name,text\r\nx.png,"A ""red"", small\npicture"\r\n\r\nx.png,b\r\n',
      'val/metadata.jsonl': '{"file_name": "y.png", "question": "What?", "answer": "Red."}\n',
      'val/y.png': undefined,
    });
    const source = await openSampleSource({ path });
    expect(source.length).toBe(3);
    expect(answer(await source.sample(0, NOW))).toBe('A "red", small\npicture');
    const last = await source.sample(2, NOW);
    expect([question(last), answer(last)]).toEqual(['[image]What?', 'Red.']);
    expect(await last.pictures[0]!.open()).toMatchObject({ width: 4 });
    await source.close?.();
  });

  it('reads a table by its own name as in its folder', async () => {
    const path = await folder('alone', {
      'metadata.jsonl': '{"file_name": "x.png", "text": "Red."}\n',
      'x.png': undefined,
    });
    for (const named of [path, join(path, 'metadata.jsonl')]) {
      const source = await openSampleSource({ path: named });
      const sample = await source.sample(0, NOW);
      expect([sample.id, question(sample), answer(sample)]).toEqual(['x.png', '[image]Describe the picture.', 'Red.']);
      expect(await sample.pictures[0]!.open()).toMatchObject({ width: 4 });
      await source.close?.();
    }
  });

  it('names the file whose columns say nothing', async () => {
    const path = await folder('mute', {
      'a/metadata.csv': 'file_name,text\nx.png,A.\n',
      'b/metadata.csv': 'file_name,size\nx.png,4\n',
    });
    await expect(openSampleSource({ path })).rejects.toThrow(
      /b\/metadata\.csv:2: the columns file_name, size say nothing/,
    );
  });

  it('keeps file_name within the folder and names the lines of tables', async () => {
    const path = await folder('hostile', { 'metadata.csv': 'file_name,text\n../../x.png,a\nx.png\n' });
    await expect(openSampleSource({ path })).rejects.toThrow(/metadata\.csv:3: 1 values under 2 columns/);
    const other = await folder('hostile2', { 'metadata.csv': 'file_name,text\n../../x.png,a\n' });
    const source = await openSampleSource({ path: other });
    const { pictures } = await source.sample(0, NOW);
    await expect(pictures[0]!.open()).rejects.toThrow(/leads out of/);
    const quote = await folder('quote', { 'metadata.csv': 'file_name,text\nx.png,"a\n' });
    await expect(openSampleSource({ path: quote })).rejects.toThrow(/metadata\.csv:2: a quote is not closed/);
  });

  it('draws one of several captions by seed and pass', async () => {
    const path = await folder('several', {
      'x.png': undefined,
      'metadata.jsonl': `{"file_name": "x.png", "captions": ["a", "b", "c", "d", "e", "f"]}`,
    });
    const source = await openSampleSource({ path });
    const drawn = await Promise.all(
      Array.from({ length: 12 }, async (_, epoch) => answer(await source.sample(0, { seed: 1, epoch }))),
    );
    expect(new Set(drawn).size).toBeGreaterThan(2);
    expect(answer(await source.sample(0, { seed: 1, epoch: 3 }))).toBe(drawn[3]);
    await source.close?.();
  });

  it('refuses folders that say nothing', async () => {
    await expect(openSampleSource({ path: await folder('bare', { 'a.png': undefined }) })).rejects.toThrow(
      /metadata\.jsonl/,
    );
    await expect(openSampleSource({ path: await folder('none', { 'a.bin': 'x' }) })).rejects.toThrow(/no pictures/);
    await expect(openSampleSource({ path: await folder('two', { 'a.jsonl': '{}', 'b.jsonl': '{}' }) })).rejects.toThrow(
      /2 JSON files \(a\.jsonl, b\.jsonl\)/,
    );
    await folder('odd', { 'a.bin': 'x' });
    await expect(openSampleSource({ path: join(root, 'odd', 'a.bin') })).rejects.toThrow(/not known/);
    await expect(openSampleSource({ path: '' })).rejects.toThrow(/the data source cannot be read: path/);
  });
});
