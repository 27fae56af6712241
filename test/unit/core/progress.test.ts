import { describe, expect, it } from 'vitest';
import {
  COLOUR_STYLE,
  formatBar,
  formatDuration,
  formatFigure,
  formatLiveLine,
  formatPlainLine,
  RateEstimate,
  Throttle,
} from '../../../src/core/progress.ts';
import { displayWidth, plainText } from '../../../src/core/text-width.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [59.4, '59s'],
    [59.6, '1m 00s'],
    [185, '3m 05s'],
    [3599.7, '1h 00m'],
    [3720, '1h 02m'],
    [183_600, '2d 03h'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
    [-1, '–'],
  ])('%d seconds read %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

describe('formatFigure', () => {
  it.each([
    [0, '0.0000'],
    [0.712345, '0.7123'],
    [12.345, '12.35'],
    [123.45, '123.5'],
    [4321.1, '4321'],
    [0.0345, '0.0345'],
    [0.00125, '1.25e-3'],
    [0.0003, '3e-4'],
    [0.000012345, '1.23e-5'],
    [-0.5, '-0.5000'],
    [2.5e9, '2.5e9'],
    [1e10, '1e10'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ])('%d reads %s', (value, text) => expect(formatFigure(value)).toBe(text));
});

describe('formatBar', () => {
  it('fills by eighths and always has the width asked for', () => {
    expect(formatBar(0, 4)).toEqual(['', '░░░░']);
    expect(formatBar(0.5, 4)).toEqual(['██', '░░']);
    expect(formatBar(1, 4)).toEqual(['████', '']);
    for (let i = 0; i <= 100; i++) expect(displayWidth(formatBar(i / 100, 7).join(''))).toBe(7);
  });
  it('survives fractions that make no sense', () => {
    expect(formatBar(Number.NaN, 2)).toEqual(['', '░░']);
    expect(formatBar(7, 2)).toEqual(['██', '']);
    expect(formatBar(-1, 2)).toEqual(['', '░░']);
  });
});

const update = {
  step: 120,
  loss: 0.7123,
  learningRate: 3e-4,
  samplesPerSecond: 512.4,
  secondsLeft: 185,
  extra: { match: 0.51 },
};

describe('formatLiveLine', () => {
  const task = { label: 'training', total: 900 };
  it('shows everything where there is room', () => {
    expect(formatLiveLine(task, update, 120)).toBe(
      'training  ████░░░░░░░░░░░░░░░░░░░░░░░░░░  120/900 (13%)  loss 0.7123  match 0.5100  lr 3e-4  512 samples/s  3m 05s left',
    );
  });
  it('fits into every width, also with Chinese words and colour', () => {
    for (const label of ['training', '正在训练多模态融合模型']) {
      for (let columns = 10; columns < 160; columns++) {
        const line = formatLiveLine({ label, total: 900 }, update, columns);
        expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        expect(plainText(formatLiveLine({ label, total: 900 }, update, columns, COLOUR_STYLE))).toBe(line);
      }
    }
  });
  it('gives up the less important figures first', () => {
    const line = formatLiveLine(task, update, 60);
    expect(line).toContain('loss 0.7123');
    expect(line).toContain('left');
    expect(line).not.toContain('match');
    expect(line).not.toContain('lr');
  });
  it('keeps a bar of steady width on an ordinary terminal', () => {
    for (let step = 1; step < 900; step += 50) {
      expect(formatLiveLine(task, { ...update, step, secondsLeft: step }, 79)).toMatch(/  [█▏▎▍▌▋▊▉░]{8,}  /);
    }
  });
  it('has no bar where the total is unknown', () => {
    expect(formatLiveLine({ label: 'reading', total: 0 }, { step: 7 }, 80)).toBe('reading  7');
  });
  it('says 100% of finished jobs only', () => {
    expect(formatLiveLine({ label: 'x', total: 1000 }, { step: 999 }, 80)).toContain('999/1000 (99%)');
  });
});

it('formatPlainLine keeps every figure and no escape sequences', () => {
  const line = formatPlainLine({ label: 'a\u001B[31mb', total: 900 }, update);
  expect(line).toBe('ab  120/900 (13%)  loss 0.7123  match 0.5100  lr 3e-4  512 samples/s  3m 05s left');
});

it('Throttle lets the first event and then one per interval through', () => {
  const throttle = new Throttle(100);
  expect([0, 50, 99, 100, 150, 200, 1000, 1001].map((time) => throttle.ready(time))).toEqual([
    true,
    false,
    false,
    true,
    false,
    true,
    true,
    false,
  ]);
});

describe('RateEstimate', () => {
  it('knows nothing at first', () => {
    const rate = new RateEstimate();
    expect(rate.secondsLeft(10)).toBeUndefined();
    rate.observe(5, 0);
    expect(rate.secondsLeft(10)).toBeUndefined();
  });
  it('is exact at a steady speed and ignores steps done before a resume', () => {
    const rate = new RateEstimate();
    for (let i = 0; i <= 20; i++) rate.observe(500 + i, 3 + i * 0.5);
    expect(rate.stepsPerSecond).toBeCloseTo(2, 10);
    expect(rate.secondsLeft(600)).toBeCloseTo(40, 8);
    expect(rate.secondsLeft(10)).toBe(0);
  });
  it('follows a change of speed', () => {
    const rate = new RateEstimate(10);
    let time = 0;
    for (let i = 0; i < 50; i++) rate.observe(i, (time += 1));
    for (let i = 50; i < 300; i++) rate.observe(i, (time += 0.25));
    expect(rate.stepsPerSecond).toBeGreaterThan(3.9);
  });
  it('counts steps seen while the clock stood still', () => {
    const rate = new RateEstimate();
    rate.observe(0, 0);
    rate.observe(1, 0);
    rate.observe(2, 1);
    expect(rate.stepsPerSecond).toBe(2);
  });
});
