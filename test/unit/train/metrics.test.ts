import { describe, expect, it } from 'vitest';
import { DataError } from '../../../src/core/errors.ts';
import {
  formatMetrics,
  MAX_METRICS_LINE,
  parseMetrics,
  sampleRecords,
  type TrainRecord,
} from '../../../src/train/metrics.ts';

const record: TrainRecord = {
  kind: 'train',
  step: 3,
  seconds: 1.5,
  loss: 0.7,
  parts: { match: 0.5, align: 2 },
  learningRate: 1e-3,
  gradientNorm: 0.9,
  samplesPerSecond: 410,
};

it('goes there and back, figures that are not finite included', () => {
  const broken = { ...record, loss: Number.NaN, gradientNorm: Infinity, parts: { match: -Infinity } };
  const samples = {
    kind: 'samples',
    step: 4,
    seconds: 2,
    samples: [
      { question: 'What?', generated: 'a cat\n', expected: '猫', picture: 'data:image/png;base64,AA==' },
      { question: '', generated: '' },
    ],
  } as const;
  for (const one of [
    record,
    broken,
    samples,
    { kind: 'validation', step: 0, seconds: 0, values: { accuracy: 0.5 } } as const,
  ]) {
    const line = formatMetrics(one);
    expect(line.endsWith('}\n')).toBe(true);
    expect(line.trimEnd()).not.toContain('\n');
    expect(parseMetrics(line.trimEnd(), 'x:1')).toEqual(one);
  }
});

describe('parseMetrics refuses', () => {
  it.each([
    ['nothing', ''],
    ['half a line', formatMetrics(record).slice(0, 40)],
    ['another kind', '{"kind":"test","step":1,"seconds":1}'],
    ['a step that is no whole number', '{"kind":"validation","step":1.5,"seconds":1,"values":{}}'],
    ['a negative step', '{"kind":"validation","step":-1,"seconds":1,"values":{}}'],
    ['words for figures', '{"kind":"validation","step":1,"seconds":1,"values":{"loss":"low"}}'],
    ['unknown fields', '{"kind":"validation","step":1,"seconds":1,"values":{},"more":1}'],
    [
      'a picture from elsewhere',
      '{"kind":"samples","step":1,"seconds":1,"samples":[{"question":"a","generated":"b","picture":"https://x/a.png"}]}',
    ],
    [
      'a picture that is a script',
      '{"kind":"samples","step":1,"seconds":1,"samples":[{"question":"a","generated":"b","picture":"data:image/svg+xml;base64,AA=="}]}',
    ],
    ['an array', '[]'],
    ['null', 'null'],
    ['a giant', ' '.repeat(70_000)],
  ])('%s', (_, line) => {
    expect(() => parseMetrics(line, 'runs/a/metrics.jsonl:7')).toThrow(DataError);
    expect(() => parseMetrics(line, 'runs/a/metrics.jsonl:7')).toThrow(/^runs\/a\/metrics\.jsonl:7: /);
  });
  it('changed prototypes', () => {
    const parsed = parseMetrics('{"kind":"validation","step":1,"seconds":1,"values":{"__proto__":1}}', 'x');
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  });
});

describe('records of samples', () => {
  const picture = (length: number): string => `data:image/png;base64,${'A'.repeat(length)}`;

  it('hold as many as fit into a line, in their order', () => {
    const samples = Array.from({ length: 9 }, (_, i) => ({
      question: `q${i}`,
      generated: '',
      picture: picture(20_000),
    }));
    const records = sampleRecords(samples, 7, 1);
    expect(records.map((one) => one.samples.length)).toEqual([3, 3, 3]);
    expect(records.flatMap((one) => one.samples)).toEqual(samples);
    for (const one of records) {
      const line = formatMetrics(one);
      expect(line.length).toBeLessThanOrEqual(MAX_METRICS_LINE);
      expect(parseMetrics(line.trimEnd(), 'x:1')).toEqual(one);
    }
  });

  it('cut long texts, and leave out a picture that leaves no room', () => {
    const [one] = sampleRecords(
      [{ question: 'é'.repeat(5000), generated: '\u0001'.repeat(5000), picture: picture(60_000) }],
      1,
      1,
    );
    expect(one!.samples[0]!.question).toHaveLength(2000);
    expect(one!.samples[0]!.question.endsWith('é…')).toBe(true);
    expect(one!.samples[0]!.picture).toBeUndefined();
    expect(Buffer.byteLength(formatMetrics(one!))).toBeLessThanOrEqual(MAX_METRICS_LINE);
    expect(sampleRecords([], 1, 1)).toEqual([]);
  });
});
