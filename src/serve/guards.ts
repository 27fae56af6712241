/** What keeps a server safe and steady, put together. */
import type { MiddlewareHandler } from 'hono';
import type { AnswerPiece } from '../auto/index.ts';
import type { Prompt } from '../generate/index.ts';
import type { ServeContext, ServeEnv } from './context.ts';
import { ApiError } from './errors.ts';
import type { ApiKeys } from './limits/api-keys.ts';
import { BodyRoom } from './limits/body-room.ts';
import { chargeQuota, checkKey, checkQuota, enterQueue, refuseWhenFull, shareRoom } from './limits/check-key.ts';
import { checkHost, checkOrigin } from './limits/hosts.ts';
import { QueueLimit } from './limits/queue-limit.ts';
import { type QuotaLimits, Quotas } from './limits/quotas.ts';
import { limitTime } from './limits/time-limit.ts';
import type { Observer } from './observe/request-record.ts';
import { watchTokens } from './observe/watch-tokens.ts';
import type { RequestScope } from './scope.ts';

/** Sixteen of the largest bodies. */
const BODIES = 512 * 2 ** 20;

export interface GuardOptions {
  /** Without them everybody may ask. */
  readonly keys?: ApiKeys;
  /** What each key may use; those with limits of their own have these. */
  readonly quotas?: QuotaLimits;
  /** Most requests that make models work at a time, those that wait included; 128 unless told. */
  readonly queue?: number;
  /** Most bytes that the bodies of all requests under way may take together; 512 MiB unless told. */
  readonly bodies?: number;
  /** Longest time for an answer, in seconds; 600 unless told. */
  readonly seconds?: number;
  /** The address that the server listens on, by which its names are known; without one `Host` headers are not looked at. */
  readonly listensOn?: string;
  /** More names that it has. */
  readonly hosts?: readonly string[];
  /** Pages that may ask it: none but its own unless told. */
  readonly origins?: readonly string[];
  /** Hears of every request. */
  readonly observer?: Observer;
  /** Figures for `GET /metrics`, which is not there without. */
  readonly readMetrics?: () => Promise<{ readonly text: string; readonly type: string }>;
}

/** The guards of one server. */
export class Guards {
  readonly queue: QueueLimit;
  readonly observer: Observer;
  readonly readMetrics: GuardOptions['readMetrics'];
  readonly #options: GuardOptions;
  readonly #quotas: Quotas;
  readonly #bodies: BodyRoom;
  readonly #seconds: number;

  constructor(options: GuardOptions = {}) {
    this.queue = new QueueLimit(options.queue ?? 128);
    this.observer = options.observer ?? {};
    this.readMetrics = options.readMetrics;
    this.#options = options;
    this.#quotas = new Quotas(options.quotas);
    this.#bodies = new BodyRoom(options.bodies ?? BODIES);
    this.#seconds = options.seconds ?? 600;
  }

  /** Who may ask at all. @throws DataError for origins that are none */
  everywhere(): MiddlewareHandler<ServeEnv>[] {
    const { listensOn, hosts, origins } = this.#options;
    return [...(listensOn === undefined ? [] : [checkHost(listensOn, hosts)]), checkOrigin(origins)];
  }

  /** Who may ask for what is not open to all. */
  keyed(): MiddlewareHandler<ServeEnv> {
    return checkKey(this.#options.keys);
  }

  /** Whether one may ask now, before a body is read. */
  limited(): MiddlewareHandler<ServeEnv>[] {
    return [refuseWhenFull(this.queue), checkQuota(this.#quotas), shareRoom(this.#bodies)];
  }

  /** Takes a place in the queue for a request and bounds its time. @throws ApiError 429 when there is none; the scope is ended then */
  admit(scope: RequestScope): void {
    try {
      scope.onEnd(enterQueue(this.queue));
    } catch (error) {
      scope.end();
      throw error;
    }
    limitTime(scope, this.#seconds);
  }

  /** The pieces of an answer, timed, counted, written down and charged to whoever asked. */
  async *watch(
    c: ServeContext,
    model: string,
    prompt: Prompt,
    pieces: AsyncGenerator<AnswerPiece, void, void>,
  ): AsyncGenerator<AnswerPiece, void, void> {
    const record = c.get('record');
    record.promptTokens = prompt.tokens.length;
    if (prompt.pictures !== undefined) record.pictures = prompt.pictures.length;
    const before = record.answerTokens ?? 0;
    try {
      yield* watchTokens(pieces, { record, model, observer: this.observer }, c.get('started'));
    } finally {
      chargeQuota(this.#quotas, c.get('key'), (record.answerTokens ?? 0) - before);
    }
  }

  /** Writes down why a request is refused, and tells of failures of the server itself. */
  refused(c: ServeContext, error: ApiError): void {
    const record = c.get('record');
    record.refused = error.apiCode ?? String(error.status);
    if (error.status >= 500) this.observer.failed?.({ ...record, status: error.status }, error.cause ?? error);
  }
}
