import { sparkline } from './sparkline.ts';
import { displayWidth, fitWidth, plainText } from './text-width.ts';

/** What a running job can say of itself. Everything but `step` may be left out and is then not shown. */
export interface ProgressUpdate {
  /** Steps completed so far. */
  readonly step: number;
  readonly loss?: number | undefined;
  readonly learningRate?: number | undefined;
  readonly samplesPerSecond?: number | undefined;
  /** Seconds left; {@link RateEstimate} is a way to know them. */
  readonly secondsLeft?: number | undefined;
  /** Losses so far, of which a small curve is drawn on a terminal. */
  readonly curve?: readonly number[] | undefined;
  /** Further short figures by name, e.g. `{ match: 0.42 }`; shown in this order, dropped first where room is short. */
  readonly extra?: Readonly<Record<string, number | string>> | undefined;
}

/** The words before the bar and the number of steps of the whole job. */
export interface ProgressTask {
  readonly label: string;
  /** Steps in all; 0 where nobody knows, which gives a line with no bar. */
  readonly total: number;
}

/** Pieces of terminal colour; plain text is given by {@link PLAIN_STYLE}. */
export interface ProgressStyle {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly bar: (text: string) => string;
}

const same = (text: string): string => text;
export const PLAIN_STYLE: ProgressStyle = { strong: same, faint: same, bar: same };
const ansi =
  (open: string, close: string) =>
  (text: string): string =>
    text === '' ? '' : `\u001B[${open}m${text}\u001B[${close}m`;
export const COLOUR_STYLE: ProgressStyle = { strong: ansi('1', '22'), faint: ansi('2', '22'), bar: ansi('36', '39') };

const two = (value: number): string => String(value).padStart(2, '0');

/** `8s`, `3m 05s`, `1h 02m`, `2d 03h`. Not finite or negative: `–`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

/** Three or four significant digits, with an exponent for small and very large figures: `0.6931`, `12.35`, `1.2e-5`, `NaN`. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-2 || size >= 1e6))
    return value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 4;
  return value.toFixed(digits);
}

const SEPARATOR = '  ';
/** Columns of the bar. */
const MIN_BAR = 8;
const MAX_BAR = 30;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar of `columns` columns in steps of an eighth of a column: [filled part, empty part]. */
export function formatBar(fraction: number, columns: number): [filled: string, rest: string] {
  const clipped = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
  const eighths = Math.floor(clipped * columns * 8);
  const filled = '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
  return [filled, '░'.repeat(columns - displayWidth(filled))];
}

/**
 * One line that fits into `columns`: label, bar, step, loss, learning rate, samples/s, time left. Where room is short the
 * bar shrinks first, then the less important figures go, and last the bar.
 */
export function formatLiveLine(
  task: ProgressTask,
  update: ProgressUpdate,
  columns: number,
  style: ProgressStyle = PLAIN_STYLE,
): string {
  const label = fitWidth(plainText(task.label), Math.max(4, Math.floor(columns / 3)));
  const counts = countText(task, update);
  const parts = [...figures(update), ...curveFigure(update)];
  const lengthOf = (): number =>
    [label, counts, ...parts.map((part) => part.text)].reduce(
      (sum, text) => sum + displayWidth(text) + SEPARATOR.length,
      -SEPARATOR.length,
    );
  const leastBar = task.total > 0 && columns >= 40 ? MIN_BAR + SEPARATOR.length : 0;
  while (parts.length > 0 && lengthOf() + leastBar > columns) {
    const least = parts.reduce((worst, part) => (part.rank >= worst.rank ? part : worst));
    parts.splice(parts.indexOf(least), 1);
  }
  const room = columns - lengthOf() - SEPARATOR.length;
  const pieces = [style.strong(label)];
  if (task.total > 0 && room >= MIN_BAR) {
    const [filled, rest] = formatBar(update.step / task.total, Math.min(room, MAX_BAR));
    pieces.push(style.bar(filled) + style.faint(rest));
  }
  if (lengthOf() > columns) return fitWidth(`${label}${SEPARATOR}${counts}`, columns);
  pieces.push(counts, ...parts.map((part) => (part.faint ? style.faint(part.text) : part.text)));
  return pieces.join(SEPARATOR);
}

/** One line for a file or a pipe, with every figure and no bar: `training  120/900 (13%)  loss 0.6931  …`. */
export function formatPlainLine(task: ProgressTask, update: ProgressUpdate): string {
  return [plainText(task.label), countText(task, update), ...figures(update).map((part) => part.text)].join('  ');
}

interface Figure {
  readonly text: string;
  /** Figures of a high rank go first where the line is too narrow. */
  readonly rank: number;
  readonly faint?: boolean;
}

function figures(update: ProgressUpdate): Figure[] {
  const list: Figure[] = [];
  if (update.loss !== undefined) list.push({ text: `loss ${formatFigure(update.loss)}`, rank: 0 });
  for (const [name, value] of Object.entries(update.extra ?? {})) {
    list.push({ text: plainText(`${name} ${typeof value === 'number' ? formatFigure(value) : value}`), rank: 5 });
  }
  if (update.learningRate !== undefined) {
    list.push({ text: `lr ${formatFigure(update.learningRate)}`, rank: 3, faint: true });
  }
  if (update.samplesPerSecond !== undefined) {
    list.push({ text: `${formatRate(update.samplesPerSecond)} samples/s`, rank: 2, faint: true });
  }
  if (update.secondsLeft !== undefined) list.push({ text: `${formatDuration(update.secondsLeft)} left`, rank: 1 });
  return list;
}

/** Columns of the curve of losses. */
const CURVE = 16;

function curveFigure({ curve = [] }: ProgressUpdate): Figure[] {
  return curve.length < 2 ? [] : [{ text: sparkline(curve, CURVE), rank: 6, faint: true }];
}

function formatRate(rate: number): string {
  if (!Number.isFinite(rate)) return '–';
  return rate >= 100 ? rate.toFixed(0) : rate.toFixed(1);
}

function countText(task: ProgressTask, update: ProgressUpdate): string {
  if (task.total <= 0) return `${update.step}`;
  // Rounded down, so that 100% is only ever said of a finished job.
  const percent = Math.min(100, Math.floor((100 * update.step) / task.total));
  const width = String(task.total).length;
  return `${String(update.step).padStart(width)}/${task.total} (${percent}%)`;
}

/** Lets one event through every `interval` milliseconds, the first one at once. */
export class Throttle {
  readonly #interval: number;
  #next = Number.NEGATIVE_INFINITY;

  constructor(interval: number) {
    this.#interval = interval;
  }

  /** @param now milliseconds of a clock that never goes back */
  ready(now: number): boolean {
    if (now < this.#next) return false;
    this.#next = now + this.#interval;
    return true;
  }
}

/**
 * Steps per second as a moving average whose memory is about `horizon` seconds, from which the time left follows. Only
 * steps seen by this object count, so a resumed job is not taken for a fast one.
 */
export class RateEstimate {
  readonly #horizon: number;
  #step: number | undefined;
  #time = 0;
  #steps = 0;
  #seconds = 0;

  constructor(horizon = 60) {
    this.#horizon = horizon;
  }

  /** Tells that `step` was reached at `time` seconds. A step before the last one starts anew. */
  observe(step: number, time: number): void {
    if (this.#step !== undefined && step >= this.#step && time > this.#time) {
      const elapsed = time - this.#time;
      const keep = Math.exp(-elapsed / this.#horizon);
      this.#steps = this.#steps * keep + (step - this.#step);
      this.#seconds = this.#seconds * keep + elapsed;
    } else if (this.#step !== undefined && step < this.#step) {
      this.#steps = 0;
      this.#seconds = 0;
    } else if (this.#step !== undefined && step > this.#step) {
      // The clock stood still: wait, and count these steps with the next interval.
      return;
    }
    this.#step = step;
    this.#time = time;
  }

  /** Steps per second; `undefined` until two moments are known. */
  get stepsPerSecond(): number | undefined {
    return this.#seconds > 0 ? this.#steps / this.#seconds : undefined;
  }

  /** Seconds until `total` steps are done; `undefined` while nobody can know. */
  secondsLeft(total: number): number | undefined {
    const rate = this.stepsPerSecond;
    if (rate === undefined || rate <= 0 || this.#step === undefined || total <= 0) return undefined;
    return Math.max(0, total - this.#step) / rate;
  }
}
