import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { listenForInterrupt } from '../../../../src/train/node/interrupt.ts';

function source(): { emitter: EventEmitter; exits: number[]; signals: Parameters<typeof listenForInterrupt>[1] } {
  const emitter = new EventEmitter();
  const exits: number[] = [];
  return {
    emitter,
    exits,
    signals: {
      on: (name, listener) => emitter.on(name, listener),
      off: (name, listener) => emitter.off(name, listener),
      exit: (code) => exits.push(code),
    },
  };
}

describe('listenForInterrupt', () => {
  it('aborts at the first signal and ends the process at the second', () => {
    const { emitter, exits, signals } = source();
    let said = 0;
    const interrupt = listenForInterrupt(() => said++, signals);
    expect(interrupt.signal.aborted).toBe(false);
    emitter.emit('SIGINT');
    expect([interrupt.signal.aborted, interrupt.exitCode, said, exits]).toEqual([true, 130, 1, []]);
    emitter.emit('SIGINT');
    expect(exits).toEqual([130]);
    interrupt.dispose();
    expect(emitter.listenerCount('SIGINT') + emitter.listenerCount('SIGTERM')).toBe(0);
  });

  it('gives the exit code of SIGTERM', () => {
    const { emitter, signals } = source();
    const interrupt = listenForInterrupt(() => undefined, signals);
    emitter.emit('SIGTERM');
    expect(interrupt.exitCode).toBe(143);
    interrupt.dispose();
  });
});
