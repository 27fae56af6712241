/** A lesson in a process of its own, so that the one that asks for it goes on answering, whatever happens to the lesson. */
import { fork } from 'node:child_process';
import { DataError, TrainingError } from '../../../core/index.ts';
import type { LessonOrder, LessonOutcome, LessonProgress } from './teach-lesson.ts';

/** What the process is told. */
export type LessonCommand =
  | { readonly kind: 'teach'; readonly order: LessonOrder; readonly scratch: string | undefined }
  | { readonly kind: 'end' };

/** What it tells. */
export type LessonMessage =
  | { readonly kind: 'progress'; readonly progress: LessonProgress }
  | { readonly kind: 'done'; readonly outcome: LessonOutcome }
  | {
      readonly kind: 'failed';
      readonly error: { readonly code: string; readonly message: string; readonly hint: string | undefined };
    };

/** How a lesson apart is watched. */
export interface ApartHooks {
  /** Ends the lesson; nothing of it is then kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LessonProgress) => void;
  /**
   * Folder that is there, for all that the lesson writes in passing; the process removes it with what is in it where this one is
   * gone before the lesson ends.
   */
  readonly scratch?: string;
  /** Seconds beside those of training that the lesson may take: to prepare, to compile, to be asked. */
  readonly patience?: number;
}

const PATIENCE = 600;
/** Milliseconds that a process has to end by itself. */
const GRACE = 3000;

/**
 * Teaches a lesson in a child process, which ends with this one.
 * @throws TrainingError when it fails, is ended by the system or takes too long, the signal's reason when it was told to end
 */
export async function teachApart(order: LessonOrder, hooks: ApartHooks = {}): Promise<LessonOutcome> {
  const { signal, onProgress, scratch, patience = PATIENCE } = hooks;
  signal?.throwIfAborted();
  const child = fork(new URL('./lesson-worker.js', import.meta.url), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // One that is killed leaves its temporary files where others are sure to remove them.
    env: scratch === undefined ? process.env : { ...process.env, TMPDIR: scratch, TEMP: scratch, TMP: scratch },
  });
  let last: LessonMessage | undefined;
  let late = false;
  const kill = (): void => void child.kill('SIGKILL');
  const end = (): void => {
    const command: LessonCommand = { kind: 'end' };
    if (child.connected) child.send(command, () => undefined);
    timers.push(setTimeout(kill, GRACE));
  };
  const timers = [
    setTimeout(
      () => {
        late = true;
        kill();
      },
      (order.seconds + patience) * 1000,
    ),
  ];
  signal?.addEventListener('abort', end, { once: true });
  try {
    const [code, killed] = await new Promise<readonly [number | null, string | null]>((resolve, reject) => {
      child.on('message', (message: LessonMessage) => {
        if (message.kind === 'progress') onProgress?.(message.progress);
        else last = message;
      });
      child.on('error', reject);
      child.on('close', (status, name) => resolve([status, name]));
      const command: LessonCommand = { kind: 'teach', order, scratch };
      child.send(command, (error) => {
        if (error !== null) kill();
      });
    });
    signal?.throwIfAborted();
    if (last?.kind === 'done') return last.outcome;
    if (last?.kind === 'failed') throw errorOf(last.error);
    if (late)
      throw new TrainingError(
        `the lesson took more than ${patience} seconds beside those of training`,
        'give fewer or smaller pictures, or a smaller model',
      );
    throw new TrainingError(
      `the process that learned was ended (${killed ?? `code ${code}`})`,
      'perhaps for want of memory: end other programs, or teach a smaller model',
    );
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

function errorOf({ code, message, hint }: Extract<LessonMessage, { kind: 'failed' }>['error']): Error {
  return code === 'data' ? new DataError(message, hint) : new TrainingError(message, hint);
}
