import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePictureFolder } from '../picture-folder.ts';
import { ensureBuilt, sensorium, temporaryFolder } from './cli.ts';

const scratch = temporaryFolder();
const model = join(scratch.path, 'model');
const data = join(scratch.path, 'questions.jsonl');

beforeAll(async () => {
  ensureBuilt();
  await mkdir(model);
  await writePictureFolder(model);
  await sharp({ create: { width: 40, height: 28, channels: 3, background: '#c82828' } })
    .png()
    .toFile(join(scratch.path, 'red.png'));
  const rows = Array.from({ length: 12 }, (_, i) => ({
    image: 'red.png',
    question: `w${11 + i}`,
    answer: 'w13',
    kind: i % 2 === 0 ? 'even' : 'odd',
  }));
  await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'));
}, 300_000);
afterAll(scratch.remove);

describe('sensorium eval', () => {
  it('asks the questions of a file, and writes figures, answers and a report', async () => {
    const out = join(scratch.path, 'report.html');
    const answers = join(scratch.path, 'answers.jsonl');
    const asked = ['eval', '-m', model, '--suite', 'vqa-jsonl', '--data', data];
    const { code, out: text } = await sensorium(...asked, '--json', '--out', out, '--answers', answers);
    expect(code).toBe(0);
    const summary = JSON.parse(text) as Record<string, Record<string, { count: number; floor: number }>>;
    expect(summary['version']).toBe(1);
    expect(Object.keys(summary['kinds']!)).toEqual(['even', 'odd']);
    expect(summary['figures']!['vqa']).toMatchObject({ count: 12, floor: expect.any(Number) as number });
    const lines = (await readFile(answers, 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(12);
    expect(JSON.parse(lines[0]!)).toMatchObject({ part: 'questions', truth: 'w13', language: 'en' });
    expect(await readFile(out, 'utf8')).toContain('Questions by kind');
    const table = await sensorium(...asked, '--no-floor', '--count', '4');
    expect(table.code).toBe(0);
    expect(table.out).toMatch(/on vqa-jsonl\n\n.*value.*\nvqa +\d\.\d{3}/);
    expect(table.out).not.toContain('floor');
  });

  it('asks about scenes that it makes itself', async () => {
    const few = ['--count', '7', '--names', '2', '--studio', 'openmoji'];
    const { code, out } = await sensorium('eval', '-m', model, '--suite', 'emoji-scenes', ...few);
    expect(code).toBe(0);
    expect(out).toMatch(/vqa .* ≥ 0\.780 {2}MISS/);
    expect(out).toContain('not asked, because the model cannot do it: phrases, pairs');
  });

  it.each([
    [['--suite', 'vqa-jsonl'], /give --data/],
    [['--suite', 'vqa-jsonl', '--data', 'x.jsonl', '--studio', 'seen'], /--studio belongs to emoji-scenes/],
    [['--suite', 'emoji-scenes', '--data', 'x.jsonl'], /belong to vqa-jsonl/],
    [['--suite', 'emoji-scenes', '--count', '0.5'], /--count is 0.5/],
    [['--suite', 'emoji-scenes', '--part', 'poems'], /--part poems is no part/],
    [['--suite', 'emoji-scenes', '--out', 'report.txt'], /--out writes HTML files/],
    [['--suite', 'poems'], /Allowed choices are emoji-scenes, vqa-jsonl/],
  ])('refuses %j', async (flags, message) => {
    const { code, err } = await sensorium('eval', '-m', model, ...flags);
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });
});
