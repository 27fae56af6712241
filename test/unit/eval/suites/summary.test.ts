import { expect, it } from 'vitest';
import { type Figure, summarize, type SuiteResult } from '../../../../src/eval/index.ts';
import { renderSuitePage } from '../../../../src/eval/report/index.ts';

const figure = (value: number): Figure => ({ value, low: value - 0.01, high: value + 0.01, count: 100 });
const result = (vqa: number, colour: number): SuiteResult => ({
  suite: 'emoji-scenes',
  model: 'a <model>',
  figures: { vqa: figure(vqa), 'naming-en': figure(0.4), 'naming-zh': figure(0.35), 'chair-i': figure(0.1) },
  kinds: { colour: figure(colour) },
  languages: { en: figure(vqa) },
  answers: [],
  skipped: ['pairs'],
});

it('puts bars, floor and known studios beside the figures', () => {
  const summary = summarize(result(0.8, 0.6), { floor: result(0.3, 0.45), seen: result(0.9, 0.95), bars: true });
  expect(summary.figures['vqa']).toMatchObject({
    value: 0.8,
    floor: 0.3,
    seen: 0.9,
    bar: { least: 0.78, passed: true },
  });
  expect(summary.figures['naming-zh']!.bar).toMatchObject({ passed: true, because: 'within 5 points of English' });
  expect(summary.figures['chair-i']).not.toHaveProperty('bar');
  expect(summary.kinds['colour']!.bar!.passed).toBe(false);
  expect(summary.kinds['colour']!.bar!.least).toBeCloseTo(0.65, 12);
  expect(summary.passed).toBe(false);
  expect(summary.version).toBe(1);
});

it('says nothing of bars where there are none', () => {
  const summary = summarize(result(0.8, 0.6));
  expect(summary).not.toHaveProperty('passed');
  expect(summary.figures['vqa']).toEqual(figure(0.8));
});

it('becomes a page on which everything from outside is escaped', async () => {
  const html = await renderSuitePage({
    summary: summarize(result(0.8, 0.6), { floor: result(0.3, 0.45), bars: true }),
    createdAt: '2026-11-26T08:00:00Z',
    mistakes: [
      {
        picture: { width: 1, height: 1, data: new Uint8Array(3) },
        kind: 'colour',
        question: { text: 'Which <b>colour</b>?', language: 'en' },
        answer: '<script>alert(1)</script>',
        truth: 'red',
        right: false,
      },
    ],
    facts: [{ title: 'Evaluation', facts: [{ label: 'seed', value: '0' }] }],
    licences: [],
    caveats: ['Drawings only.'],
  });
  expect(html).toContain('a &lt;model&gt; on emoji-scenes');
  expect(html).toContain('Not every bar is met.');
  expect(html).toContain('✗ missed');
  expect(html).toContain('&lt;script&gt;');
  expect(html).not.toMatch(/<script|<b>colour/);
});
