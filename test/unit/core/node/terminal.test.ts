import { describe, expect, it } from 'vitest';
import { createProgress, type ProgressOptions } from '../../../../src/core/node/terminal.ts';

/** A stream that remembers what was written, and a clock that only moves when told. */
function setUp(options: { isTTY: boolean; columns?: number; environment?: Record<string, string>; total?: number }) {
  const writes: string[] = [];
  const clock = { time: 0 };
  const stream = {
    isTTY: options.isTTY,
    columns: options.columns,
    write: (text: string) => void writes.push(text),
  };
  const given: ProgressOptions = {
    total: options.total ?? 100,
    label: 'training',
    stream,
    environment: options.environment ?? {},
    now: () => clock.time,
  };
  return { progress: createProgress(given), writes, clock, stream };
}

describe('on a terminal', () => {
  it('redraws in place, at most ten times a second, one write each', () => {
    const { progress, writes, clock } = setUp({ isTTY: true, columns: 100 });
    for (let step = 1; step <= 100; step++) {
      clock.time = step * 10;
      progress.update({ step, loss: 1 / step });
    }
    expect(writes).toHaveLength(10);
    for (const text of writes) {
      expect(text.startsWith('\r')).toBe(true);
      expect(text.endsWith('\u001B[J')).toBe(true);
      expect(text).not.toContain('\n');
    }
    progress.done();
    expect(writes.at(-1)).toContain('100/100 (100%)');
    expect(writes.at(-1)!.endsWith('\n')).toBe(true);
    const count = writes.length;
    progress.done();
    progress.update({ step: 100 });
    progress.note('late');
    expect(writes).toHaveLength(count);
  });

  it('puts notes above the bar in the same write', () => {
    const { progress, writes } = setUp({ isTTY: true, columns: 80 });
    progress.update({ step: 5, loss: 0.5 });
    progress.note('checkpoint saved\nat step 5');
    expect(writes).toHaveLength(2);
    expect(writes[1]!.startsWith('\r\u001B[Jcheckpoint saved\nat step 5\n\r')).toBe(true);
    expect(writes[1]).toContain('5/100');
  });

  it('has no colour with NO_COLOR', () => {
    const { progress, writes } = setUp({ isTTY: true, columns: 80, environment: { NO_COLOR: '1' } });
    progress.update({ step: 5 });
    expect(writes[0]).not.toContain('\u001B[36m');
    expect(writes[0]!.split('\u001B[')).toHaveLength(2);
    const coloured = setUp({ isTTY: true, columns: 80, environment: { NO_COLOR: '' } });
    coloured.progress.update({ step: 5 });
    expect(coloured.writes[0]).toContain('\u001B[36m');
  });

  it('clears wrapped rows where the window became narrower', () => {
    const { progress, writes, clock, stream } = setUp({ isTTY: true, columns: 100, environment: { NO_COLOR: '1' } });
    const figures = { loss: 0.5, learningRate: 1e-3, samplesPerSecond: 400, secondsLeft: 70 };
    progress.update({ step: 5, ...figures });
    stream.columns = 40;
    clock.time = 200;
    progress.update({ step: 6, ...figures });
    expect(writes[1]!.startsWith('\u001B[2A\r')).toBe(true);
  });
});

describe('elsewhere', () => {
  it.each([
    ['a pipe', { isTTY: false }],
    ['a dumb terminal', { isTTY: true, environment: { TERM: 'dumb' } }],
  ])('%s gets one plain line every ten seconds and the last state', (_, options) => {
    const { progress, writes, clock } = setUp(options);
    for (let step = 1; step <= 100; step++) {
      clock.time = step * 250;
      progress.update({ step, loss: 0.5, samplesPerSecond: 4 });
    }
    progress.note('saved');
    progress.done();
    expect(writes).toHaveLength(5);
    expect(writes[0]).toBe('training    1/100 (1%)  loss 0.5000  4.0 samples/s\n');
    expect(writes[1]).toBe('training   41/100 (41%)  loss 0.5000  4.0 samples/s  15s left\n');
    expect(writes[3]).toBe('saved\n');
    expect(writes[4]).toBe('training  100/100 (100%)  loss 0.5000  took 25s  4.0 samples/s\n');
    expect(writes.join('')).not.toContain('\u001B');
  });

  it('keeps escape sequences in notes from the reader', () => {
    const { progress, writes } = setUp({ isTTY: false });
    progress.note('evil \u001B[2J line');
    expect(writes).toEqual(['evil  line\n']);
  });

  it('writes nothing for a job that never began', () => {
    const { progress, writes } = setUp({ isTTY: false });
    progress.done();
    expect(writes).toEqual([]);
  });
});
