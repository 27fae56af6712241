/** What handlers have at hand. */
import type { Context, Env } from 'hono';
import type { Picture } from '../data/index.ts';
import { type ApiError, stopping, toApiError } from './errors.ts';
import type { ModelPool } from './pool/model-pool.ts';
import type { ServedModel } from './pool/served-model.ts';
import { RequestScope } from './scope.ts';

/** What a request carries through middleware and handlers. */
export interface ServeEnv extends Env {
  Variables: {
    /** Names the request in answers and in the log. */
    requestId: string;
    /** Name of the model that was asked, once it is known. */
    model?: string;
  };
}

export type ServeContext = Context<ServeEnv>;

/** A picture by its address, a data URL or one of the web. @throws DataError when it is not allowed, or none */
export type PictureReader = (url: string, signal: AbortSignal) => Promise<Picture>;

/** Something that went wrong on the server's side. */
export interface ServerProblem {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly cause: unknown;
}

/** What the parts of a server share. */
export class Services {
  readonly pool: ModelPool;
  readonly openPicture: PictureReader;
  /** Every answer of 500 and above is told here, with its cause. */
  readonly onProblem: (problem: ServerProblem) => void;
  readonly #stop = new AbortController();
  #draining = false;

  constructor(options: Pick<Services, 'pool' | 'openPicture' | 'onProblem'>) {
    this.pool = options.pool;
    this.openPicture = options.openPicture;
    this.onProblem = options.onProblem;
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
    this.#stop.abort(stopping());
  }

  /** An error as the client may see it; what is the server's own is told to the log, with its cause. */
  failure(c: ServeContext, error: unknown): ApiError {
    const requestId = c.get('requestId');
    const found = toApiError(error, requestId);
    if (found.status >= 500 && !c.req.raw.signal.aborted)
      this.onProblem({
        requestId,
        method: c.req.method,
        path: c.req.path,
        status: found.status,
        cause: found.cause ?? found,
      });
    return found;
  }

  /** The scope of a request: it ends with the client's connection, and when the server must stop. */
  scope(c: ServeContext): RequestScope {
    return new RequestScope(c.req.raw.signal, this.#stop.signal);
  }

  /** A model for the time of a request. @throws ApiError when there is none of that name */
  borrow(c: ServeContext, scope: RequestScope, id: string): ServedModel {
    const { served, release } = this.pool.borrow(id);
    scope.onEnd(release);
    c.set('model', served.id);
    return served;
  }
}
