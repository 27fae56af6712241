import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateSuite } from '../../../../src/eval/index.ts';
import { openVqaJsonl } from '../../../../src/eval/node/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jsonl-'));
  for (const [name, background] of Object.entries({ red: '#c80000', blue: '#0000c8' }))
    await sharp({ create: { width: 6, height: 4, channels: 3, background } })
      .png()
      .toFile(join(folder, `${name}.png`));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(lines: readonly unknown[]): Promise<string> {
  const path = join(folder, 'questions.jsonl');
  await writeFile(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\r\n'));
  return path;
}

const ROWS = [
  { image: 'red.png', question: 'Which colour?', answer: 'red', kind: 'colour' },
  { image: 'blue.png', question: 'Which colour?', answers: ['blue', 'Blue.', 'navy'], kind: 'colour', id: 7 },
  { image: 'red.png', question: '几个？', answer: 'two', kind: 'count', language: 'zh' },
];

describe('questions from JSON Lines', () => {
  it('are asked about the pictures that they name, those of one picture side by side', async () => {
    const suite = await openVqaJsonl(await write([...ROWS, '']), { instruction: 'Briefly.' });
    expect(suite.questions!.map(({ id, picture, question }) => [id, picture.name, question])).toEqual([
      ['1', 'red.png', 'Which colour?\nBriefly.'],
      ['3', 'red.png', '几个？\nBriefly.'],
      ['7', 'blue.png', 'Which colour?\nBriefly.'],
    ]);
    expect(suite.questions![0]!.picture).toBe(suite.questions![1]!.picture);
    const { figures, kinds } = await evaluateSuite(
      {
        name: 'sees',
        answer: async (questions) =>
          Promise.all(
            questions.map(async ({ picture, question }) => {
              const { data } = await picture.open();
              return question.startsWith('Which') ? (data[0]! > data[2]! ? 'The red' : 'navy') : '2';
            }),
          ),
      },
      suite,
    );
    expect(kinds['count']!.value).toBe(1);
    // One of three people says navy: 0 where it is left out, 1/3 where another one is.
    expect(kinds['colour']!.value).toBeCloseTo((1 + 2 / 9) / 2, 12);
    expect(figures['vqa']!.value).toBeCloseTo((1 + (1 + 2 / 9) / 2) / 2, 12);
  });

  it('can be drawn by chance, the same ones for the same seed', async () => {
    const path = await write(Array.from({ length: 50 }, (_, i) => ({ ...ROWS[0]!, id: i })));
    const ids = async (seed: number): Promise<string[]> =>
      (await openVqaJsonl(path, { count: 10, seed })).questions!.map(({ id }) => id);
    expect(await ids(1)).toEqual(await ids(1));
    expect(await ids(1)).not.toEqual(await ids(2));
    expect(new Set(await ids(1)).size).toBe(10);
    expect(await ids(1)).toEqual((await ids(1)).toSorted((a, b) => Number(a) - Number(b)));
  });

  it.each([
    ['no JSON', [ROWS[0], '{'], /line 2 is not JSON/],
    ['no question', [{ image: 'red.png', answer: 'red' }], /line 1: /],
    ['no answer', [{ image: 'red.png', question: 'What?' }], /line 1 must have one of answer and answers/],
    ['nothing', [''], /holds no questions/],
  ])('are refused with %s', async (_, lines, message) => {
    await expect(openVqaJsonl(await write(lines))).rejects.toThrow(message);
  });

  it('are refused where there is no file', async () => {
    await expect(openVqaJsonl(join(folder, 'none.jsonl'))).rejects.toThrow(/cannot be read/);
    await expect(openVqaJsonl(folder)).rejects.toThrow(/is not a file/);
  });
});
