import type { TuningEvent, TuningObject, TuningProgress } from './tuning-request.ts';

/** What a tuning is from its beginning. */
export type TuningFacts = Pick<TuningObject, 'id' | 'created' | 'model' | 'name' | 'examples' | 'seconds'>;

/** One tuning: what happened so far, and who watches it. */
export class Tuning {
  readonly facts: TuningFacts;
  readonly #controller = new AbortController();
  readonly #events: TuningEvent[] = [];
  readonly #watchers = new Set<() => void>();
  #status: TuningObject['status'] = 'queued';
  #progress: TuningProgress | null = null;

  constructor(facts: TuningFacts) {
    this.facts = facts;
  }

  get status(): TuningObject['status'] {
    return this.#status;
  }

  get ended(): boolean {
    return this.#status !== 'queued' && this.#status !== 'running';
  }

  /** Aborted when the tuning is to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Seconds of training that are left. */
  get secondsLeft(): number {
    return this.ended ? 0 : Math.max(0, this.facts.seconds - (this.#progress?.seconds ?? 0));
  }

  /** @param reason what its watchers are told */
  cancel(reason: Error): void {
    if (!this.ended) this.#controller.abort(reason);
  }

  /** Notes what happened, and tells it to whoever watches. */
  tell(event: TuningEvent): void {
    if (this.ended) return;
    this.#events.push(event);
    if (event.type === 'started') this.#status = 'running';
    else if (event.type === 'progress') {
      const { type: _, ...progress } = event;
      this.#progress = progress;
    } else if (event.type === 'done') this.#status = 'succeeded';
    else if (event.type !== 'queued') this.#status = event.type;
    for (const wake of this.#watchers) wake();
  }

  /** All that happened and happens, up to the end. @throws the signal's reason */
  async *watch(signal: AbortSignal): AsyncGenerator<TuningEvent, void, void> {
    for (let next = 0; ;) {
      signal.throwIfAborted();
      const event = this.#events[next];
      if (event !== undefined) {
        next++;
        yield event;
      } else if (this.ended) return;
      else await this.#change(signal);
    }
  }

  /** @param position how many go before it, while it waits */
  describe(position: number | undefined): TuningObject {
    const last = this.#events.at(-1);
    let result: TuningObject['result'] = null;
    if (last?.type === 'done') {
      const { type: _, ...rest } = last;
      result = rest;
    }
    return {
      ...this.facts,
      object: 'tuning',
      status: this.#status,
      position: this.#status === 'queued' ? (position ?? 0) : null,
      progress: this.#progress,
      result,
      error: last !== undefined && 'error' in last ? last.error : null,
    };
  }

  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#watchers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
