/** Teaches one lesson in a process of its own, and ends with the process that began it; see teach-apart.ts. */
import { rmSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { SensoriumError } from '../../../core/index.ts';
import type { LessonCommand, LessonMessage } from './teach-apart.ts';
import { type LessonOrder, teachLesson } from './teach-lesson.ts';

/** Answering goes before learning: this process gets what the one that began it leaves. */
const POLITENESS = 10;
const MOST_POLITE = 19;
/** Milliseconds between two messages of progress, at least. */
const INTERVAL = 200;

const controller = new AbortController();
let folders: readonly string[] = [];

process.on('message', (command: LessonCommand) => {
  if (command.kind === 'end') controller.abort();
  else {
    folders = [command.order.output, ...(command.scratch === undefined ? [] : [command.scratch])];
    void teach(command.order);
  }
});

// The process that began the lesson is gone, and nobody else would clean up or take what is learned.
process.on('disconnect', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  process.exit(1);
});

async function teach(order: LessonOrder): Promise<void> {
  try {
    setPriority(Math.min(MOST_POLITE, getPriority() + POLITENESS));
  } catch {
    // Not every system lets a process be polite.
  }
  let last = -Infinity;
  let [steps, loss, accuracy] = [0, 0, 0];
  try {
    const outcome = await teachLesson(order, {
      signal: controller.signal,
      onProgress: (progress) => {
        steps++;
        loss += progress.loss;
        accuracy += progress.accuracy;
        if (progress.progress < 1 && performance.now() - last < INTERVAL) return;
        last = performance.now();
        // Single batches are of chance: means over the steps since the last message make a curve.
        send({ kind: 'progress', progress: { ...progress, loss: loss / steps, accuracy: accuracy / steps } });
        [steps, loss, accuracy] = [0, 0, 0];
      },
    });
    finish({ kind: 'done', outcome });
  } catch (error) {
    finish({ kind: 'failed', error: asPlain(error) });
  }
}

function asPlain(error: unknown): Extract<LessonMessage, { kind: 'failed' }>['error'] {
  if (error instanceof SensoriumError) {
    const { code, said, hint } = error;
    return { code, message: said, hint };
  }
  return { code: 'training', message: error instanceof Error ? error.message : String(error), hint: undefined };
}

function send(message: LessonMessage): void {
  process.send?.(message);
}

function finish(message: LessonMessage): void {
  process.send?.(message, () => process.exit(0));
}
