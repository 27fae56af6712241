import {
  COLOUR_STYLE,
  formatDuration,
  formatLiveLine,
  formatPlainLine,
  PLAIN_STYLE,
  RateEstimate,
  Throttle,
  type ProgressUpdate,
} from '../progress.ts';
import { displayWidth, plainText } from '../text-width.ts';

/** The part of `process.stdout` that progress needs. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal; read again at each drawing, so a resized window is followed. */
  readonly columns?: number | undefined;
}

export interface ProgressOptions {
  /** Steps in all; 0 where nobody knows. */
  readonly total: number;
  /** A word or two before the bar. */
  readonly label: string;
  /** Where to write; `process.stderr` by default, so that results on standard output stay clean in a pipe. */
  readonly stream?: ProgressStream | undefined;
  /** Seconds between plain lines where the stream is no terminal; 10 by default. */
  readonly plainInterval?: number | undefined;
  /** Environment to obey (`NO_COLOR`, `TERM`); `process.env` by default. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Milliseconds of a clock that never goes back; for tests. */
  readonly now?: (() => number) | undefined;
}

/** Progress of one job. After `done` further calls do nothing. */
export interface Progress {
  /** Tells how far the job is. Cheap: most calls draw nothing. Time left is estimated where the update has none. */
  update(update: ProgressUpdate): void;
  /** Writes lines that stay, above the bar. */
  note(text: string): void;
  /** Draws the last state and leaves it, with the time that the job took. */
  done(): void;
}

/** Milliseconds between two drawings of a live bar. */
const LIVE_INTERVAL = 100;

/**
 * A live bar on a terminal, redrawn in place by one write (so it does not flicker); elsewhere, and on terminals that
 * cannot move the cursor (`TERM=dumb`), one plain line every few seconds. Colour is off with `NO_COLOR` (no-color.org).
 */
export function createProgress(options: ProgressOptions): Progress {
  const { total, label, stream = process.stderr, environment = process.env, now = () => performance.now() } = options;
  const task = { total, label };
  const live = stream.isTTY === true && environment['TERM'] !== 'dumb';
  const style = environment['NO_COLOR'] ? PLAIN_STYLE : COLOUR_STYLE;
  const throttle = new Throttle(live ? LIVE_INTERVAL : (options.plainInterval ?? 10) * 1000);
  const rate = new RateEstimate();
  const start = now();
  let last: ProgressUpdate | undefined;
  let drawn: ProgressUpdate | undefined;
  let drawnWidth = 0;
  let finished = false;

  const columns = (): number => {
    // The last column stays free: writing into it makes some terminals wrap.
    const width = stream.columns;
    return Math.max(10, (width !== undefined && width > 0 ? width : 80) - 1);
  };

  /** Back to the start of the line, also where the window became narrower and the old line was wrapped. */
  const home = (): string => {
    const wrapped = Math.floor(Math.max(0, drawnWidth - 1) / (columns() + 1));
    return `${wrapped > 0 ? `\u001B[${wrapped}A` : ''}\r`;
  };

  const liveText = (update: ProgressUpdate): string => {
    const plain = formatLiveLine(task, update, columns());
    const before = home();
    drawnWidth = displayWidth(plain);
    return `${before}${style === PLAIN_STYLE ? plain : formatLiveLine(task, update, columns(), style)}\u001B[J`;
  };

  const draw = (update: ProgressUpdate): void => {
    drawn = update;
    stream.write(live ? liveText(update) : `${formatPlainLine(task, update)}\n`);
  };

  return {
    update(update) {
      if (finished) return;
      const time = now();
      rate.observe(update.step, time / 1000);
      last = { ...update, secondsLeft: update.secondsLeft ?? rate.secondsLeft(total) };
      if (throttle.ready(time)) draw(last);
    },
    note(text) {
      if (finished) return;
      const lines = text.split(/\r?\n/).map((line) => `${plainText(line)}\n`);
      if (!live || drawn === undefined) {
        stream.write(lines.join(''));
        return;
      }
      const clear = `${home()}\u001B[J`;
      drawnWidth = 0;
      stream.write(clear + lines.join('') + liveText(last ?? drawn));
    },
    done() {
      if (finished) return;
      finished = true;
      if (last === undefined) return;
      const { secondsLeft: _, ...rest } = last;
      const took = formatDuration((now() - start) / 1000);
      const closing: ProgressUpdate = { ...rest, extra: { ...rest.extra, took } };
      stream.write(live ? `${liveText(closing)}\n` : `${formatPlainLine(task, closing)}\n`);
    },
  };
}

/** A bar for each of several jobs that follow each other, by what they are called. */
export function preparationReport(stream: ProgressStream | undefined): {
  readonly report: (done: number, total: number, what: string) => void;
  readonly done: () => void;
} {
  let bar: Progress | undefined;
  let shown: string | undefined;
  return {
    report(done, total, what) {
      if (what !== shown) {
        bar?.done();
        bar = createProgress({ total, label: what, stream });
        shown = what;
      }
      bar?.update({ step: done });
    },
    done: () => bar?.done(),
  };
}
