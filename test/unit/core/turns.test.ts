import { describe, expect, it } from 'vitest';
import { Turns } from '../../../src/core/turns.ts';

describe('turns', () => {
  it('come in order, and whoever stops waiting is passed over', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = await turns.take();
    const leaving = new AbortController();
    const second = turns.take(leaving.signal);
    const third = turns.take().then((end) => {
      order.push('third');
      end();
    });
    leaving.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    order.push('first');
    first();
    first();
    await third;
    (await turns.take())();
    expect(order).toEqual(['first', 'third']);
  });

  it('lets so many work at a time, and passes over who left', async () => {
    const turns = new Turns(2);
    const open: (() => void)[] = [];
    const signal = new AbortController().signal;
    const order: number[] = [];
    const work = (n: number, stop = signal) =>
      turns.run(async () => {
        order.push(n);
        await new Promise<void>((resolve) => open.push(resolve));
      }, stop);
    const leaver = new AbortController();
    const all = [work(0), work(1), work(2, leaver.signal), work(3)];
    leaver.abort(new Error('left'));
    await expect(all[2]).rejects.toThrow('left');
    expect(order).toEqual([0, 1]);
    open[0]!();
    await all[0];
    await Promise.resolve();
    expect(order).toEqual([0, 1, 3]);
    open.slice(1).forEach((end) => end());
    await Promise.all([all[1], all[3]]);
    await expect(turns.run(() => Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
    expect(await turns.run(async () => 'free again', signal)).toBe('free again');
  });
});
