import type { EngineLibrary } from './engine-library.ts';

/** When the event loop last had a turn, in milliseconds of `performance.now()`. */
export interface Breath {
  last: number;
}

/** Handing a run to a worker thread and back costs this much at most where it is the whole of a run's time. */
const SHORT_ON_WORKER = 0.3;
/** A run on the main thread that takes longer belongs on a worker. */
const SHORT_ON_MAIN = 0.15;
/** The longest that runs on the main thread may keep the event loop waiting. */
const BREATH = 2;
/** Runs after which a program that was too long is tried on the main thread again. */
const PATIENCE = 1000;

type Call = (...args: Parameters<EngineLibrary['call']>) => void | Promise<void>;

/**
 * Decides where one program runs. A worker thread keeps the event loop free, but waking it and coming back costs 20 to
 * 100 µs, many times what a small program takes (4 µs). So a program that has shown itself to be short runs on the main
 * thread, and at least every 2 ms a run goes through a worker all the same, which gives the event loop its turn.
 */
export class Pace {
  readonly #engine: EngineLibrary;
  #short = false;
  #untilRetry = 0;

  constructor(engine: EngineLibrary) {
    this.#engine = engine;
  }

  async perform(breath: Breath, run: (call: Call) => void | Promise<void>): Promise<void> {
    const start = performance.now();
    if (this.#short && start - breath.last < BREATH) {
      void run((...args) => this.#engine.call(...args));
      if (performance.now() - start > SHORT_ON_MAIN) {
        this.#short = false;
        this.#untilRetry = PATIENCE;
      }
      return;
    }
    await run((...args) => this.#engine.callAsync(...args));
    breath.last = performance.now();
    if (this.#untilRetry > 0) this.#untilRetry--;
    else this.#short = breath.last - start < SHORT_ON_WORKER;
  }
}
