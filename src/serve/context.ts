/** What handlers have at hand. */
import type { Context, Env } from 'hono';
import type { AnswerPiece } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import type { Prompt, TextOptions } from '../generate/index.ts';
import { ApiError, clientLeft, stopping, toApiError } from './errors.ts';
import type { Guards } from './guards.ts';
import type { ApiKey } from './limits/api-keys.ts';
import type { BodyShare } from './limits/body-room.ts';
import type { RequestRecord } from './observe/request-record.ts';
import type { ModelPool } from './pool/model-pool.ts';
import type { ServedModel } from './pool/served-model.ts';
import { RequestScope } from './scope.ts';

/** What a request carries through middleware and handlers. */
export interface ServeEnv extends Env {
  Variables: {
    /** Names the request in answers and in the log. */
    requestId: string;
    /** What the log will say of the request. */
    record: RequestRecord;
    /** When it came, as `performance.now` has it. */
    started: number;
    /** What its body may take; given back when the request is over. */
    share?: BodyShare;
    /** Who asks, where the server has keys. */
    key?: ApiKey;
  };
}

export type ServeContext = Context<ServeEnv>;

/** A picture by its address, a data URL or one of the web. @throws DataError when it is not allowed, or none */
export type PictureReader = (url: string, signal: AbortSignal) => Promise<Picture>;

/** What the parts of a server share. */
export class Services {
  readonly pool: ModelPool;
  readonly openPicture: PictureReader;
  /** Limits, and who hears of requests. */
  readonly guards: Guards;
  /** Of all requests that make a model work. */
  readonly #scopes = new Set<RequestScope>();
  #stopped = false;
  #draining = false;

  constructor(options: Pick<Services, 'pool' | 'openPicture' | 'guards'>) {
    this.pool = options.pool;
    this.openPicture = options.openPicture;
    this.guards = options.guards;
  }

  /** Whether new requests are sent away. */
  get draining(): boolean {
    return this.#draining;
  }

  /** From now on new requests are sent away; those that were accepted go on. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends what is still under way; each request is told. */
  stop(): void {
    this.drain();
    this.#stopped = true;
    for (const scope of this.#scopes) scope.abort(stopping());
  }

  /** An error as the client may see it; what is the server's own is told to the log, with its cause. */
  failure(c: ServeContext, error: unknown): ApiError {
    const left = c.req.raw.signal.aborted && !(error instanceof ApiError);
    const found = left ? clientLeft(error) : toApiError(error, c.get('requestId'));
    this.guards.refused(c, found);
    return found;
  }

  /**
   * The scope of a request that makes a model work: it ends with the client's connection, after its time, and when the server
   * must stop. It holds a place in the queue. @throws ApiError when there is none
   */
  scope(c: ServeContext): RequestScope {
    const scope = new RequestScope(c.req.raw.signal);
    this.guards.admit(scope);
    this.#scopes.add(scope);
    scope.onEnd(() => this.#scopes.delete(scope));
    if (this.#stopped) scope.abort(stopping());
    return scope;
  }

  /** A model for the time of a request. @throws ApiError when there is none of that name */
  borrow(c: ServeContext, scope: RequestScope, id: string): ServedModel {
    const { served, release } = this.pool.borrow(id);
    scope.onEnd(release);
    c.get('record').model = served.id;
    return served;
  }

  /** An answer of a model, as the log, the figures and the quotas must know of it. */
  answer(
    c: ServeContext,
    served: ServedModel,
    prompt: Prompt,
    options: TextOptions,
  ): AsyncGenerator<AnswerPiece, void, void> {
    return this.guards.watch(c, served.id, prompt, served.answer(prompt, options));
  }
}
