import { formatFigure } from '../../core/progress.ts';
import { createProgress, type Progress, type ProgressStream } from '../../core/node/terminal.ts';
import { Curve } from '../run-history.ts';
import type { TrainerHooks, TrainingProgress } from '../trainer.ts';

/** How much of the newest loss goes into the smoothed one that is shown. */
const FRESH = 0.05;

/** A progress bar of a run. */
export interface TrainingBar {
  readonly onStep: NonNullable<TrainerHooks['onStep']>;
  /** Writes a line above the bar. */
  note(text: string): void;
  done(): void;
}

/**
 * Shows loss (smoothed over about 20 steps), learning rate, samples/s and time left: a bar on a terminal, with the curve of
 * the loss where there is room, and a line now and then elsewhere. A run of some minutes counts seconds, since nobody knows its number of steps.
 * @param length steps, or minutes, of the whole run
 */
export function createTrainingBar(
  length: { readonly steps: number } | { readonly minutes: number },
  stream?: ProgressStream,
): TrainingBar {
  const byTime = 'minutes' in length;
  const total = byTime ? Math.round(60 * length.minutes) : length.steps;
  const bar: Progress = createProgress({ total, label: byTime ? 'training, second' : 'training', stream });
  let loss: number | undefined;
  let rate: number | undefined;
  const losses = new Curve(128);
  const blend = (old: number | undefined, fresh: number): number =>
    old === undefined ? fresh : old + FRESH * (fresh - old);
  return {
    onStep({ step, seconds, result, learningRate, samplesPerSecond }: TrainingProgress) {
      loss = blend(loss, result.loss);
      losses.add(step, loss);
      rate = blend(rate, samplesPerSecond);
      const extra: Record<string, string> = byTime ? { step: String(step) } : {};
      for (const [name, value] of Object.entries(result.figures)) extra[name] = formatFigure(value);
      bar.update({
        step: byTime ? Math.min(total, Math.floor(seconds)) : step,
        loss,
        learningRate,
        samplesPerSecond: rate,
        curve: losses.points.map(([, value]) => value),
        extra,
        ...(byTime ? { secondsLeft: Math.max(0, total - seconds) } : {}),
      });
    },
    note: (text) => bar.note(text),
    done: () => bar.done(),
  };
}
