import { describe, expect, it } from 'vitest';
import { DataError } from '../../../src/core/errors.ts';
import { formatMetrics, parseMetrics, type TrainRecord } from '../../../src/train/metrics.ts';

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
  for (const one of [record, broken, { kind: 'validation', step: 0, seconds: 0, values: { accuracy: 0.5 } } as const]) {
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
