import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TrainingError } from '../../../src/core/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { EarlyStopping } from '../../../src/train/stopping.ts';
import type { BestEvaluation, StoppingOptions } from '../../../src/train/stopping.ts';
import { runTiny, type Ran } from './tiny-trainer.ts';

describe('EarlyStopping', () => {
  it('keeps the greatest or the smallest figure, and counts how long it waits', () => {
    for (const mode of ['max', 'min'] as const) {
      const sign = mode === 'max' ? 1 : -1;
      const stopping = new EarlyStopping({ metric: 'a', mode, patience: 2 });
      const better = [1, 3, 2, 3, 4, 0].map((value, i) => stopping.observe({ a: sign * value }, i));
      expect(better).toEqual([true, true, false, false, true, false]);
      expect(stopping.best).toEqual({ step: 4, value: sign * 4 });
      expect(stopping.over).toBe(false);
      stopping.observe({ a: Number.NaN }, 6);
      expect(stopping.over).toBe(true);
    }
  });

  it('wants a gain above the margin', () => {
    const stopping = new EarlyStopping({ metric: 'a', mode: 'max', margin: 0.1 });
    expect([0.5, 0.6, 0.61, 0.7].map((a, i) => stopping.observe({ a }, i))).toEqual([true, false, true, false]);
    expect(stopping.over).toBe(false);
  });

  it('takes no figure that is not finite, also as the first', () => {
    const stopping = new EarlyStopping({ metric: 'a', mode: 'min' });
    expect([Number.NaN, -Infinity, 2].map((a, i) => stopping.observe({ a }, i))).toEqual([false, false, true]);
  });

  it('names the figures that there are', () => {
    const stopping = new EarlyStopping({ metric: 'accuracy', mode: 'max' });
    expect(() => stopping.observe({ loss: 1, f1: 2 }, 3)).toThrow(TrainingError);
    expect(() => stopping.observe({ loss: 1, f1: 2 }, 3)).toThrow(/no figure 'accuracy'.*loss, f1/);
  });
});

describe('a trainer that is judged by its evaluations', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await createRuntime({ threads: 1 });
  });
  afterAll(async () => runtime.dispose());

  /** Figures by step: best at step 8, then worse. */
  const accuracy = (step: number): number => (step <= 8 ? step / 10 : 0.8 - step / 100);
  const judge = async (
    stopping: Partial<StoppingOptions>,
    more: Parameters<typeof runTiny>[2] = {},
  ): Promise<Ran & { bests: BestEvaluation[] }> => {
    const bests: BestEvaluation[] = [];
    const ran = await runTiny(
      runtime,
      { evaluateEvery: 4, checkpointEvery: { steps: 5 }, stopping: { metric: 'accuracy', mode: 'max', ...stopping } },
      {
        ...more,
        hooks: {
          evaluate: async (_, done) => ({ accuracy: accuracy(done) }),
          onBest: (best) => bests.push(best),
          ...more.hooks,
        },
      },
    );
    return { ...ran, bests };
  };

  it('ends when patience ends, with the weights of the best evaluation', async () => {
    const ran = await judge({ patience: 2 });
    expect(ran.outcome).toMatchObject({ ended: 'stopped', steps: 16, best: { step: 8, value: 0.8 } });
    expect(ran.bests).toEqual([
      { step: 4, value: 0.4 },
      { step: 8, value: 0.8 },
    ]);
    expect(ran.saved.map(({ state }) => state.step)).toEqual([4, 5, 8, 10, 15, 16]);
    const shorter = await runTiny(runtime, { length: { steps: 30 } }, { hooks: stopAfter(8) });
    expect(ran.weights).toEqual(shorter.weights);
  });

  it('goes to the end without patience, and keeps the last weights where it is told to', async () => {
    const kept = await judge({});
    expect(kept.outcome).toMatchObject({ ended: 'finished', steps: 30, best: { step: 8 } });
    const last = await judge({ keepBest: false });
    expect(last.saved.map(({ state }) => state.step)).toEqual([5, 10, 15, 20, 25, 30]);
    expect(last.weights).toEqual((await runTiny(runtime)).weights);
    expect(last.weights).not.toEqual(kept.weights);
  });

  it('goes on from any checkpoint with the patience that is left', async () => {
    const whole = await judge({ patience: 2 });
    const kept = new Map(whole.saved.map((saved) => [saved.state.step, saved]));
    for (const resume of whole.saved) {
      const rest = await judge(
        { patience: 2 },
        {
          resume,
          hooks: { checkpoints: { save: async ({ step }) => `step ${step}`, at: async (step) => kept.get(step) } },
        },
      );
      expect(rest.outcome.best).toEqual(whole.outcome.best);
      expect(rest.outcome.steps).toBe(16);
      expect(rest.losses).toEqual(whole.losses.slice(resume.state.step));
      expect(rest.weights).toEqual(whole.weights);
    }
  });

  it('writes what the model says every so often and at the end, before the checkpoint that counts on it', async () => {
    const ran = await runTiny(
      runtime,
      { length: { steps: 10 }, samplesEvery: 4, checkpointEvery: { steps: 4 } },
      { hooks: { samples: async (_, done) => [{ question: 'how far?', generated: String(done), expected: '10' }] } },
    );
    const written = ran.records.flatMap((one) => (one.kind === 'samples' ? one.samples : []));
    expect(written.map(({ generated }) => generated)).toEqual(['4', '8', '10']);
  });
});

/** Interrupts after a step. */
function stopAfter(last: number): { interrupt: AbortSignal; onStep: (progress: { step: number }) => void } {
  const controller = new AbortController();
  return { interrupt: controller.signal, onStep: ({ step }) => step === last && controller.abort() };
}
