/** All that shows a run to people: the bar in the terminal, the live page, TensorBoard's events and the report at the end. */
import { join } from 'node:path';
import { formatFigure, RateEstimate } from '../../core/progress.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import type { ProgressStream } from '../../core/node/terminal.ts';
import { renderReport } from '../../eval/report/index.ts';
import type { BestEvaluation, MetricsRecord, TrainerHooks, TrainingProgress } from '../../train/index.ts';
import { RunHistory } from '../../train/index.ts';
import {
  createTrainingBar,
  EventFile,
  readMetrics,
  type MetricsFile,
  type TrainingBar,
} from '../../train/node/index.ts';
import type { LiveRun } from '../live/page.ts';
import { runReport, type RunReportFacts } from '../run-report.ts';
import { openLivePage, type LivePage } from './live-server.ts';

/** Folder of the event files within that of the run. */
export const EVENTS = 'tensorboard';
const REPORT = 'report.html';
/** Lines of the terminal that the live page repeats. */
const MOST_NOTES = 20;
/** Samples that the terminal shows of each time. */
const SHOWN_SAMPLES = 3;

const LEARNING = 'learning';

/** What shall be shown. */
export interface ObserverOptions {
  /** Folder of the run. */
  readonly folder: string;
  readonly metrics: MetricsFile;
  /** Where the bar goes; standard error by default. */
  readonly stream?: ProgressStream | undefined;
  /** Serve a live page: a port, or true for the usual one. */
  readonly live?: number | boolean | undefined;
  /** Write event files for TensorBoard. */
  readonly tensorboard?: boolean | undefined;
  /** Told how it goes on, after each step. */
  readonly onStep?: ((progress: TrainingProgress) => void) | undefined;
}

/** Watches one run. */
export class RunObserver {
  readonly #options: ObserverOptions;
  readonly #history: RunHistory;
  readonly #events: EventFile | undefined;
  readonly #rate = new RateEstimate();
  readonly #notes: string[] = [];
  #live: LivePage | undefined;
  #bar: TrainingBar | undefined;
  #progress: Pick<TrainingProgress, 'progress' | 'totalSteps' | 'seconds'>;
  #state = 'preparing';

  private constructor(options: ObserverOptions, history: RunHistory, events: EventFile | undefined) {
    this.#options = options;
    this.#history = history;
    this.#events = events;
    this.#progress = { progress: 0, totalSteps: undefined, seconds: history.last?.seconds ?? 0 };
  }

  /** Reads what a run that goes on has recorded, and opens what was asked for. @throws DataError */
  static async open(options: ObserverOptions): Promise<RunObserver> {
    const { folder, metrics, live, tensorboard } = options;
    const history = new RunHistory();
    for await (const record of readMetrics(metrics.path)) history.observe(record);
    const events =
      tensorboard === true ? await EventFile.create(join(folder, EVENTS), readMetrics(metrics.path)) : undefined;
    const observer = new RunObserver(options, history, events);
    if (live !== undefined && live !== false) {
      observer.#live = await openLivePage(() => observer.#run(), live === true ? undefined : live);
      observer.note(`the run can be watched at ${observer.#live.url}`);
    }
    return observer;
  }

  /** Address of the live page. */
  get url(): string | undefined {
    return this.#live?.url;
  }

  /** Begins the bar. @param length steps, or minutes, of the whole run */
  begin(length: { readonly steps: number } | { readonly minutes: number }): void {
    this.#bar = createTrainingBar(length, this.#options.stream);
    this.#state = LEARNING;
    this.#live?.changed();
  }

  /** Writes a line above the bar, and on the live page. */
  note(text: string): void {
    this.#notes.push(text);
    if (this.#notes.length > MOST_NOTES) this.#notes.shift();
    if (this.#bar === undefined) (this.#options.stream ?? process.stderr).write(`${text}\n`);
    else this.#bar.note(text);
    this.#live?.changed();
  }

  /** For the trainer: what it records and how it goes on. Evaluations and samples are shown as they are recorded. */
  get hooks(): Pick<TrainerHooks, 'metrics' | 'onStep' | 'onBest'> & {
    readonly metrics: NonNullable<TrainerHooks['metrics']>;
  } {
    return {
      metrics: {
        append: (record) => this.#append(record),
        sync: () => this.#options.metrics.sync(),
      },
      onStep: (progress) => {
        this.#progress = progress;
        this.#rate.observe(progress.step, progress.seconds);
        this.#bar?.onStep(progress);
        this.#live?.changed();
        this.#options.onStep?.(progress);
      },
      onBest: ({ step, value }: BestEvaluation) => this.note(`step ${step}: the best so far, ${formatFigure(value)}`),
    };
  }

  /** Ends the bar and leaves the live page with the last state. @param state in a few words */
  end(state: string): void {
    this.#bar?.done();
    this.#state = state;
    this.#live?.changed();
  }

  /** Writes the report into the folder of the run. @returns its path */
  async writeReport(facts: RunReportFacts): Promise<string> {
    const path = join(this.#options.folder, REPORT);
    await writeFileAtomic(path, await renderReport(runReport(this.#history, facts)));
    return path;
  }

  async close(): Promise<void> {
    this.#bar?.done();
    await this.#live?.close();
    await this.#events?.close();
  }

  async #append(record: MetricsRecord): Promise<void> {
    await this.#options.metrics.append(record);
    this.#history.observe(record);
    await this.#events?.append(record);
    if (record.kind === 'validation') {
      const figures = Object.entries(record.values).map(([name, value]) => `${name} ${formatFigure(value)}`);
      if (figures.length > 0) this.note(`step ${record.step}, validation: ${figures.join(', ')}`);
    } else if (record.kind === 'samples') {
      for (const { question, expected, generated } of record.samples.slice(0, SHOWN_SAMPLES)) {
        const right = expected === undefined ? '' : `  (right: ${short(expected)})`;
        this.#bar?.note(`step ${record.step}  ${short(question)} → ${short(generated)}${right}`);
      }
    }
  }

  #run(): LiveRun {
    const { progress, totalSteps, seconds } = this.#progress;
    const left = progress > 0 && totalSteps === undefined ? (seconds * (1 - progress)) / progress : undefined;
    return {
      title: this.#options.folder,
      history: this.#history,
      progress,
      totalSteps,
      seconds,
      secondsLeft:
        this.#state !== LEARNING ? undefined : totalSteps === undefined ? left : this.#rate.secondsLeft(totalSteps),
      state: this.#state,
      notes: this.#notes,
    };
  }
}

/** One line of at most 60 letters. */
function short(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  const letters = [...line];
  return letters.length > 60 ? `${letters.slice(0, 59).join('')}…` : line;
}
