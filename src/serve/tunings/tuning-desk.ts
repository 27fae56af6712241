/** Takes tunings, lets one learn at a time, and puts what was learned into the pool. */
import { DataError, TrainingError } from '../../core/index.ts';
import { ApiError, invalid, stopping } from '../errors.ts';
import type { ModelPool } from '../pool/model-pool.ts';
import type { ServedModel } from '../pool/served-model.ts';
import { Tuning } from './tuning.ts';
import type { TuningFault, TuningObject, TuningProgress, TuningRequest } from './tuning-request.ts';
import type { LessonRequest, Tutor, WrittenLesson } from './tutor.ts';

export interface TuningDeskOptions {
  readonly pool: ModelPool;
  readonly tutor: Tutor;
  /** How many may wait beside the one that learns; 4 unless told. */
  readonly queue?: number;
  /** Longest training in seconds; what requests may ask for at most unless told. */
  readonly mostSeconds?: number;
  /** Told of faults that are the server's own. */
  readonly onProblem?: (tuning: string, cause: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const QUEUE = 4;
/** Tunings that have ended and can still be asked about. */
const REMEMBERED = 100;
/** Messages of progress of one tuning, about: more make no better curve. */
const MOST_MESSAGES = 400;

/** A tuning that has not ended, and what it holds. */
interface Place {
  readonly tuning: Tuning;
  /** Absent until it is written down. */
  lesson?: WrittenLesson;
  readonly base: ServedModel;
  readonly release: () => void;
  /** When all is over and nothing is left. */
  readonly over: Promise<void>;
  readonly end: () => void;
}

export class TuningDesk {
  readonly #pool: ModelPool;
  readonly #tutor: Tutor;
  readonly #options: TuningDeskOptions;
  /** In the order in which they came; the first one learns. */
  readonly #places: Place[] = [];
  readonly #known = new Map<string, Tuning>();
  readonly #finishing = new WeakMap<Place, Promise<void>>();
  #learning = false;
  #closed = false;

  constructor(options: TuningDeskOptions) {
    this.#pool = options.pool;
    this.#tutor = options.tutor;
    this.#options = options;
  }

  /**
   * Takes a tuning and writes down what it is to learn; it begins when its turn comes.
   * @param examples of the request, opened one by one
   * @throws ApiError when there is no such model, the name is taken, or too many wait; what opening and writing throw
   */
  async take(request: TuningRequest, examples: LessonRequest['examples']): Promise<TuningObject> {
    const { model: id, name } = request;
    const place = this.#enter(request);
    try {
      const { model } = place.base;
      if (model.kind !== 'language') throw invalid('model', `${id} takes no adapters`);
      place.lesson = await this.#tutor.write({ base: id, model, name, examples });
      place.tuning.signal.throwIfAborted();
    } catch (error) {
      this.#leave(place);
      this.#known.delete(place.tuning.facts.id);
      await place.lesson?.discard();
      if (!(error instanceof TrainingError)) throw error;
      this.#options.onProblem?.(place.tuning.facts.id, error);
      throw new ApiError(507, 'the server has no room for the pictures', {
        code: 'insufficient_storage',
        cause: error,
      });
    }
    place.tuning.tell({ type: 'queued', position: this.#places.indexOf(place) });
    void this.#learn();
    return this.describe(place.tuning);
  }

  /** @throws ApiError when there is none of that name */
  find(id: string): Tuning {
    const tuning = this.#known.get(id);
    if (tuning === undefined)
      throw new ApiError(404, `there is no tuning '${id.slice(0, 100)}'`, {
        hint: 'it is named by the answer to POST /v1/tunings; those that ended long ago are forgotten',
        code: 'tuning_not_found',
      });
    return tuning;
  }

  describe(tuning: Tuning): TuningObject {
    const position = this.#places.findIndex((place) => place.tuning === tuning);
    return tuning.describe(position < 0 ? undefined : position);
  }

  /** Ends a tuning, and waits until nothing is left of it. One that has ended stays as it is. */
  async cancel(id: string, reason: ApiError = cancelled()): Promise<TuningObject> {
    const tuning = this.find(id);
    tuning.cancel(reason);
    const place = this.#places.find((each) => each.tuning === tuning);
    if (place !== undefined) {
      // One that waits has nobody else to end it.
      if (place.lesson !== undefined && tuning.status === 'queued') await this.#finish(place);
      await place.over;
    }
    return this.describe(tuning);
  }

  /** Ends all that learn and wait; nothing else is taken. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#places.map(({ tuning }) => this.cancel(tuning.facts.id, stopping())));
  }

  #enter({ model: id, name, seconds, examples }: TuningRequest): Place {
    const { queue = QUEUE, mostSeconds = Infinity, now = Date.now } = this.#options;
    if (this.#closed) throw stopping();
    if (seconds > mostSeconds) throw invalid('seconds', `a tuning may take ${mostSeconds} seconds here`);
    const { served, release } = this.#pool.borrow(id);
    try {
      if (served.adapter !== undefined)
        throw invalid('model', `${id} is an adapter`, `name the model itself, ${served.base}`);
      served.require('chat');
      served.require('images');
      const adapter = `${id}:${name}`;
      const isTaken =
        this.#pool.list().some((other) => other.id === adapter) ||
        this.#places.some(({ tuning: { facts } }) => facts.model === id && facts.name === name);
      if (isTaken)
        throw new ApiError(409, `there is a model ${adapter} already, or it is being made`, {
          param: 'name',
          hint: 'give another name',
          code: 'name_taken',
        });
      if (this.#places.length > queue) {
        const wait = this.#places.reduce((sum, { tuning }) => sum + tuning.secondsLeft, 0);
        throw new ApiError(429, `${this.#places.length} tunings are learning or waiting, and no more may`, {
          type: 'rate_limit_error',
          code: 'tuning_queue_full',
          hint: 'try again later',
          headers: { 'Retry-After': String(Math.max(1, Math.ceil(wait / Math.max(1, this.#places.length)))) },
        });
      }
      const facts = { id: `tun_${crypto.randomUUID().replaceAll('-', '')}`, created: Math.floor(now() / 1000) };
      const tuning = new Tuning({ ...facts, model: id, name, seconds, examples: examples.length });
      let end: (() => void) | undefined;
      const over = new Promise<void>((resolve) => (end = resolve));
      const place: Place = { tuning, base: served, release, over, end: end! };
      this.#places.push(place);
      this.#remember(tuning);
      return place;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Lets one after another learn. */
  async #learn(): Promise<void> {
    if (this.#learning) return;
    this.#learning = true;
    try {
      // Those that are still being written down are passed over.
      for (let place; (place = this.#places.find(({ lesson }) => lesson !== undefined)) !== undefined;)
        await this.#finish(place);
    } finally {
      this.#learning = false;
    }
  }

  /** Teaches, or ends one that was cancelled while it waited. */
  async #finish(place: Place): Promise<void> {
    const known = this.#finishing.get(place);
    if (known !== undefined) return known;
    const work = this.#teach(place);
    this.#finishing.set(place, work);
    return work;
  }

  async #teach(place: Place): Promise<void> {
    const { tuning, base, lesson } = place;
    const { signal, facts } = tuning;
    let last: Parameters<Tuning['tell']>[0];
    try {
      signal.throwIfAborted();
      tuning.tell({ type: 'started' });
      const onProgress = spaced(facts.seconds, (progress) => tuning.tell({ type: 'progress', ...progress }));
      const { adapter, result, keep } = await lesson!.teach({ seconds: facts.seconds, signal, onProgress });
      signal.throwIfAborted();
      const { id } = this.#pool.addAdapter(base.id, facts.name, adapter);
      await keep().catch(async (error: unknown) => {
        await this.#pool.remove(id);
        throw error;
      });
      last = { type: 'done', model: id, ...result };
    } catch (error) {
      const type = signal.aborted ? 'cancelled' : 'failed';
      if (type === 'failed') this.#options.onProblem?.(facts.id, error);
      last = { type, error: faultOf(signal.aborted ? signal.reason : error) };
    }
    await lesson!.discard().catch((error: unknown) => this.#options.onProblem?.(facts.id, error));
    tuning.tell(last);
    this.#leave(place);
  }

  #leave(place: Place): void {
    this.#places.splice(this.#places.indexOf(place), 1);
    place.release();
    place.end();
  }

  #remember(tuning: Tuning): void {
    this.#known.set(tuning.facts.id, tuning);
    for (const [id, { ended }] of this.#known) {
      if (this.#known.size <= REMEMBERED) break;
      if (ended) this.#known.delete(id);
    }
  }
}

function cancelled(): ApiError {
  return new ApiError(409, 'the tuning was cancelled', { code: 'cancelled' });
}

/** Passes on as many messages as a curve needs, evenly over the time, and the last one. */
function spaced(seconds: number, tell: (progress: TuningProgress) => void): (progress: TuningProgress) => void {
  let next = 0;
  return (progress) => {
    if (progress.seconds < next && progress.progress < 1) return;
    next = progress.seconds + seconds / MOST_MESSAGES;
    tell(progress);
  };
}

/** A fault as clients may see it: what the library says of itself, and of everything else only that it happened. */
function faultOf(error: unknown): TuningFault {
  if (error instanceof ApiError) return { message: error.body.error.message, code: error.apiCode ?? error.code };
  if (error instanceof TrainingError || error instanceof DataError) {
    const { said, hint, code } = error;
    return { message: hint === undefined ? said : `${said} (${hint})`, code };
  }
  return { message: 'the server met an error that it did not expect; its log has it', code: 'internal_error' };
}
