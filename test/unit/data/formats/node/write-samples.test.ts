import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sample, SampleSource } from '../../../../../src/data/index.ts';
import { openSampleSource, writeSamples } from '../../../../../src/data/node/index.ts';

const NOW = { seed: 1, epoch: 0 };
let root: string;
let jpeg: Buffer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sensorium-write-'));
  const image = (background: string) => sharp({ create: { width: 4, height: 3, channels: 3, background } });
  jpeg = await image('red').jpeg().toBuffer();
  await mkdir(join(root, 'in'));
  await writeFile(join(root, 'in', 'a.jpg'), jpeg);
  await writeFile(join(root, 'in', 'b.png'), await image('blue').png().toBuffer());
  const turn = (from: string, value: string) => ({ from, value });
  const rows = [
    { image: 'a.jpg', id: 'one', conversations: [turn('human', '<image>\nWhat?'), turn('gpt', 'A <box>[0.1, 0.2, 0.5, 0.6]</box>.')] },
    { image: ['a.jpg', 'b.png'], conversations: [turn('system', 'Be "brief".'), turn('human', 'This <image> or <image>?'), turn('gpt', '两个\n都对')] },
    { conversations: [turn('human', 'No picture.'), turn('gpt', 'None.')] },
    { image: 'none.png', conversations: [turn('human', 'Where?'), turn('gpt', 'Nowhere.')] },
  ]; // prettier-ignore
  await writeFile(join(root, 'in', 'data.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** What a sample says, with the pixels of its pictures. */
async function contents(source: SampleSource, index: number): Promise<unknown> {
  const { conversations, pictures } = await source.sample(index, NOW);
  return { conversations, pictures: await Promise.all(pictures.map(async (each) => each.open())) };
}

const spaces = (value: unknown): string => JSON.stringify(value).replaceAll(/\s|\\n/g, '');

describe('writeSamples', () => {
  it.each(['llava', 'sharegpt', 'openai', 'webdataset'] as const)(
    'writes %s, which reads back the same',
    async (format) => {
      const source = await openSampleSource({ path: join(root, 'in') });
      const out = join(root, format);
      const written = await writeSamples(source, out, { format, onBadSample: 'skip' });
      expect(written).toMatchObject({ rows: 3, skipped: 1 });
      expect(written.reasons[0]).toMatch(/none\.png/);
      const again = await openSampleSource({ path: out });
      expect(again.length).toBe(3);
      // A marker stands on a line of its own afterwards; nothing else changes.
      for (const i of [0, 1, 2]) expect(spaces(await contents(again, i))).toBe(spaces(await contents(source, i)));
      await source.close?.();
      await again.close?.();
    },
  );

  it('copies pictures as they are, each once, and writes equal folders from equal samples', async () => {
    const source = await openSampleSource({ path: join(root, 'in') });
    const options = { format: 'sharegpt', samples: [0, 1, 0] } as const;
    const steps: string[] = [];
    const report = (done: number, total: number): void => void steps.push(`${done} of ${total}`);
    const written = await writeSamples(source, join(root, 'copy'), { ...options, report });
    expect(written).toMatchObject({ rows: 3, pictures: 2 });
    expect(steps).toEqual(['1 of 3', '2 of 3', '3 of 3']);
    const files = (await readdir(join(root, 'copy', 'images'), { recursive: true })).filter((name) =>
      name.includes('.'),
    );
    const copied = files.find((name) => name.endsWith('.jpg'))!;
    expect(await readFile(join(root, 'copy', 'images', copied))).toEqual(jpeg);
    await writeSamples(source, join(root, 'copy2'), options);
    expect(await readFile(join(root, 'copy2', 'data.jsonl'))).toEqual(await readFile(join(root, 'copy', 'data.jsonl')));
    await source.close?.();
  });

  it('writes captions as a folder of pictures, and says where there is no room', async () => {
    const source = await openSampleSource({ path: join(root, 'in') });
    await expect(writeSamples(source, join(root, 'f1'), { format: 'imagefolder' })).rejects.toThrow(
      /room for one picture/,
    );
    await writeSamples(source, join(root, 'f2'), { format: 'imagefolder', samples: [0] });
    const again = await openSampleSource({ path: join(root, 'f2') });
    expect(await contents(again, 0)).toEqual(await contents(source, 0));
    await again.close?.();
    await source.close?.();
  });

  it('leaves nothing behind when it fails, and overwrites nothing', async () => {
    const source = await openSampleSource({ path: join(root, 'in') });
    await expect(writeSamples(source, join(root, 'broken'), { format: 'llava' })).rejects.toThrow(/none\.png/);
    expect((await readdir(root)).filter((name) => name.includes('broken'))).toEqual([]);
    await expect(writeSamples(source, join(root, 'in'), { format: 'llava' })).rejects.toThrow(/is not empty/);
    await source.close?.();
  });

  it('writes each conversation of a sample by itself', async () => {
    const said = (text: string): Sample['conversations'][number] => [
      { role: 'user', content: [{ type: 'text', text: '?' }] },
      { role: 'assistant', content: [{ type: 'text', text }] },
    ];
    const source: SampleSource = {
      length: 1,
      sample: () => ({ id: 'x', pictures: [], conversations: [said('a'), said('b')] }),
    };
    await writeSamples(source, join(root, 'two'), { format: 'openai' });
    const again = await openSampleSource({ path: join(root, 'two') });
    expect((await again.sample(1, NOW)).id).toBe('x-1');
    await again.close?.();
  });
});
