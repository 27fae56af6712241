import { describe, expect, it } from 'vitest';
import { DataError } from '../../../../src/core/errors.ts';
import { renderReport, type TrainingReport } from '../../../../src/eval/report/index.ts';

const picture = { width: 4, height: 4, data: new Uint8Array(48).fill(200) };
const EVIL = `"><img src=x onerror=alert(1)>'</style><script>alert(2)</script>&`;

/** A report in which `text` stands wherever text can stand. */
function sample(text: string): TrainingReport {
  const answer = { picture, pictureText: text, predicted: text, truth: `${text}!`, probability: 0.9 };
  return {
    title: text,
    summary: text,
    run: text,
    createdAt: text,
    headline: [{ label: text, value: text, detail: text }],
    charts: [
      {
        title: text,
        caption: text,
        xLabel: text,
        yLabel: text,
        smooth: true,
        reference: { value: 1, label: text },
        series: [{ name: text, points: Array.from({ length: 200 }, (_, i) => [i, 1 / (i + 1)]) }],
      },
      { title: text, caption: text, xLabel: text, yLabel: text, series: [{ name: text, points: [[0, Number.NaN]] }] },
    ],
    accuracy: [{ title: text, rows: [{ label: text, correct: 3, total: 4 }] }],
    chance: 0.5,
    confusion: {
      classes: [text, `${text}2`],
      counts: [
        [3, 1],
        [0, 0],
      ],
    },
    mistakes: [{ ...answer, statement: { text, language: text }, note: text }],
    attention: [{ ...answer, statement: { text, language: 'zh-Hans' }, words: [{ word: text, picture }] }],
    samples: [{ question: text, expected: text, picture: text, answers: [{ from: 1, to: 2, text }] }],
    heatColours: Uint8Array.from({ length: 30 }, (_, i) => i),
    facts: [{ title: text, facts: [{ label: text, value: text }] }],
    recipe: text,
    licences: [{ name: text, licence: text, use: text, credit: text, url: 'https://openmoji.org/' }],
    caveats: [text],
  };
}

const EMPTY: TrainingReport = {
  title: 'Nothing yet',
  summary: '',
  run: 'r',
  createdAt: '2026-11-23T22:57:12Z',
  headline: [],
  charts: [],
  accuracy: [],
  mistakes: [],
  attention: [],
  facts: [],
  licences: [],
  caveats: [],
};

/** Opening and closing tags in balance, read by a small stack machine. */
function expectBalanced(html: string): void {
  const empty = new Set(['meta', 'img', 'path', 'br']);
  const open: string[] = [];
  for (const [, close, name, selfClosing] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (selfClosing || empty.has(name!)) continue;
    if (close) expect(open.pop()).toBe(name);
    else open.push(name!);
  }
  expect(open).toEqual([]);
}

describe('renderReport', () => {
  it('escapes every text', async () => {
    const html = await renderReport(sample(EVIL));
    expect(html).not.toContain('<script');
    expect(html).not.toContain('<img src=x');
    expect(html).not.toContain('onerror=alert(1)>');
    expect(html.match(/<\/style>/g)).toHaveLength(1);
    expectBalanced(html);
    const plain = await renderReport(sample('word'));
    expect(html.match(/<[a-z]/g)).toHaveLength(plain.match(/<[a-z]/g)!.length);
  });

  it('loads nothing from elsewhere and runs nothing', async () => {
    const html = await renderReport(sample('word'));
    expect(html).toContain(`default-src 'none'; img-src data:; style-src 'unsafe-inline'`);
    expect(html.match(/(?:src|href)="(?!data:image\/png;base64,|#|https:\/\/openmoji\.org\/)/g)).toBeNull();
    expect(html).not.toMatch(/@import|url\(|<link|<script|<iframe/);
  });

  it('names the language of statements, the pictures and the charts', async () => {
    const html = await renderReport({ ...sample('word'), attention: sample('红苹果').attention! });
    expect(html).toContain('<blockquote lang="zh-Hans" dir="auto">红苹果</blockquote>');
    expect(html.match(/<img (?![^>]*alt="[^"]+")/g)).toBeNull();
    expect(html).toContain('role="img" aria-labelledby="chart-0-t chart-0-d"');
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of html.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(id);
  });

  it('marks written answers as evaluations do', async () => {
    const answers = ['a cat', '“Cat.”'].map((text, i) => ({ from: i, to: i, text }));
    const html = await renderReport({ ...EMPTY, samples: [{ question: 'What?', expected: 'cat', answers }] });
    expect([...html.matchAll(/<td class="(right|wrong)">/g)].map(([, mark]) => mark)).toEqual(['wrong', 'right']);
  });

  it('gives counts, shares and Wilson intervals', async () => {
    const html = await renderReport({
      ...EMPTY,
      accuracy: [{ title: 'All', rows: [{ label: 'overall', correct: 8, total: 10 }] }],
    });
    expect(html).toContain('80.0\u00A0%<small>49.0 – 94.3</small>');
    expect(html).toContain('8 of 10');
    expect(html).toContain('23 November 2026, 22:57 UTC');
  });

  it('stands with next to nothing in it', async () => {
    const html = await renderReport(EMPTY);
    expectBalanced(html);
    expect(html).toContain('Nothing was evaluated.');
    expect(html).toContain('There were no mistakes to show.');
    expect(html).not.toContain('NaN');
    expect(html).not.toContain('undefined');
  });

  it('draws odd curves without odd numbers', async () => {
    const lines: (readonly (readonly [number, number])[])[] = [
      [],
      [[0, 1]],
      [
        [5, 2],
        [5, 2],
      ],
      [
        [0, Number.NaN],
        [1, 1],
        [2, Infinity],
        [3, 2],
      ],
      [
        [0, -1],
        [1, 0],
        [2, 1e-30],
        [3, 1e30],
      ],
    ];
    for (const logarithmic of [false, true]) {
      for (const points of lines) {
        const charts = [
          {
            title: 't',
            caption: 'c',
            xLabel: 'x',
            yLabel: 'y',
            smooth: true,
            logarithmic,
            series: [{ name: 's', points }],
          },
        ];
        const html = await renderReport({ ...EMPTY, charts });
        expect(html).not.toMatch(/NaN|Infinity|undefined/);
      }
    }
  });

  it('stays small with long runs', async () => {
    const points = Array.from({ length: 100_000 }, (_, i) => [i, Math.sin(i)] as const);
    const charts = [
      { title: 't', caption: '', xLabel: 'x', yLabel: 'y', smooth: true, series: [{ name: 's', points }] },
    ];
    expect((await renderReport({ ...EMPTY, charts })).length).toBeLessThan(60_000);
  });

  it('refuses counts that cannot be', async () => {
    const accuracy = [{ title: 'All', rows: [{ label: 'overall', correct: 8, total: 0 }] }];
    await expect(renderReport({ ...EMPTY, accuracy })).rejects.toThrow(DataError);
    await expect(renderReport({ ...EMPTY, confusion: { classes: ['a'], counts: [[1, 2]] } })).rejects.toThrow(
      DataError,
    );
  });
});
