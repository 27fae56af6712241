/** What a {@link LossWatch} must remember over a checkpoint. */
export interface LossWatchState {
  /** Losses at the start of the run. */
  readonly first: readonly number[];
  /** The latest losses that were not suspicious. */
  readonly recent: readonly number[];
  /** Suspicious losses in a row. */
  readonly suspicious: number;
}

/** How many losses say where the run began. */
const FIRST = 20;
/** How many losses the running median is of. */
const WINDOW = 100;

/**
 * Tells when a loss explodes: it is more than `factor` times the median of the last 100 and above the median of the run's
 * first 20, for `patience` steps in a row. The second condition keeps a nearly solved task, whose losses are tiny and jump,
 * from being stopped. Suspicious losses do not enter the median.
 */
export class LossWatch {
  readonly factor: number;
  readonly patience: number;
  readonly #first: number[];
  readonly #recent: number[];
  #suspicious: number;

  constructor(options: { factor?: number; patience?: number; state?: LossWatchState } = {}) {
    this.factor = options.factor ?? 10;
    this.patience = options.patience ?? 5;
    this.#first = [...(options.state?.first ?? [])];
    this.#recent = [...(options.state?.recent ?? [])];
    this.#suspicious = options.state?.suspicious ?? 0;
  }

  /** Takes the loss of one step. @param warm whether warm-up is over; before, nothing is suspicious */
  observe(loss: number, warm: boolean): 'fine' | 'suspicious' | 'exploded' {
    const limit =
      this.#first.length < FIRST ? Number.POSITIVE_INFINITY : Math.max(this.factor * this.median, median(this.#first));
    if (!(loss <= limit) && warm) {
      this.#suspicious++;
      return this.#suspicious >= this.patience ? 'exploded' : 'suspicious';
    }
    this.#suspicious = 0;
    if (this.#first.length < FIRST) this.#first.push(loss);
    this.#recent.push(loss);
    if (this.#recent.length > WINDOW) this.#recent.shift();
    return 'fine';
  }

  /** Whether the last loss was suspicious: then the weights are not worth a checkpoint. */
  get doubtful(): boolean {
    return this.#suspicious > 0;
  }

  /** Running median; NaN before the first loss. */
  get median(): number {
    return median(this.#recent);
  }

  get state(): LossWatchState {
    return { first: [...this.#first], recent: [...this.#recent], suspicious: this.#suspicious };
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
