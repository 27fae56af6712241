import { TrainingError } from '../core/index.ts';

/** By which figure of the evaluations a run is judged while it goes on. */
export interface StoppingOptions {
  /** Name of a figure that the evaluation gives, e.g. `accuracy`. */
  readonly metric: string;
  /** Whether it shall become great or small. */
  readonly mode: 'max' | 'min';
  /** The run ends after so many evaluations in a row that were not better than the best; it never does when absent. */
  readonly patience?: number;
  /** By how much a figure must be better to count; 0 by default. */
  readonly margin?: number;
  /** Keep the checkpoint of the best evaluation, and end with its weights; true by default. */
  readonly keepBest?: boolean;
}

/** The best evaluation so far. */
export interface BestEvaluation {
  readonly step: number;
  readonly value: number;
}

/** What an {@link EarlyStopping} must remember over a checkpoint. */
export interface StoppingState {
  readonly best?: BestEvaluation | undefined;
  /** Evaluations since the best one. */
  readonly waited: number;
}

/** Tells which evaluation was the best, and when to wait no longer for a better one. */
export class EarlyStopping {
  readonly #options: StoppingOptions;
  #best: BestEvaluation | undefined;
  #waited: number;

  constructor(options: StoppingOptions, state: StoppingState = { waited: 0 }) {
    this.#options = options;
    this.#best = state.best;
    this.#waited = state.waited;
  }

  /**
   * Takes the figures of an evaluation. One that is not finite is never better.
   * @returns whether it is the best so far
   * @throws TrainingError when the figure is not among them
   */
  observe(figures: Readonly<Record<string, number>>, step: number): boolean {
    const { metric, mode, margin = 0 } = this.#options;
    const value = figures[metric];
    if (value === undefined) {
      const known = Object.keys(figures).join(', ') || 'none';
      throw new TrainingError(
        `the evaluation gives no figure '${metric}', by which the run is judged; it gives: ${known}`,
        'name one of those',
      );
    }
    const gain = this.#best === undefined ? Infinity : (value - this.#best.value) * (mode === 'max' ? 1 : -1);
    if (Number.isFinite(value) && gain > margin) {
      this.#best = { step, value };
      this.#waited = 0;
      return true;
    }
    this.#waited++;
    return false;
  }

  /** Whether patience has ended. */
  get over(): boolean {
    return this.#waited >= (this.#options.patience ?? Infinity);
  }

  get best(): BestEvaluation | undefined {
    return this.#best;
  }

  get state(): StoppingState {
    return { ...(this.#best === undefined ? {} : { best: this.#best }), waited: this.#waited };
  }
}
