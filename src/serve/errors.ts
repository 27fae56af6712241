/** Errors as OpenAI's interface gives them, and what the library's own errors are there. */
import { DataError, GenerationError, SensoriumError, ShapeError } from '../core/index.ts';

/** The kinds of errors that clients tell apart. */
export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'server_error';

/** The body of every answer that is an error. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: ErrorType;
    /** Which part of the request is wrong, e.g. `messages[0].content`. */
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** What an {@link ApiError} says beside its message. */
export interface ApiErrorParts {
  readonly type?: ErrorType;
  readonly param?: string | undefined;
  readonly code?: string;
  readonly hint?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A request that is refused, with the HTTP status that says so. */
export class ApiError extends SensoriumError {
  readonly status: number;
  readonly type: ErrorType;
  readonly param: string | null;
  /** As clients see it: `model_not_found` and the like. */
  readonly apiCode: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, parts: ApiErrorParts = {}) {
    super('request', message, parts.hint, { cause: parts.cause });
    this.status = status;
    this.type = parts.type ?? (status >= 500 ? 'server_error' : 'invalid_request_error');
    this.param = parts.param ?? null;
    this.apiCode = parts.code ?? null;
    this.headers = parts.headers ?? {};
  }

  get body(): ErrorBody {
    const message = this.hint === undefined ? this.said : `${this.said} (${this.hint})`;
    return { error: { message, type: this.type, param: this.param, code: this.apiCode } };
  }
}

/** A part of the request that the interface knows and this server does not do. */
export function unsupported(param: string, message: string, hint?: string): ApiError {
  return new ApiError(400, message, { param, hint, code: 'unsupported_parameter' });
}

/** A value that cannot be. */
export function invalid(param: string, message: string, hint?: string): ApiError {
  return new ApiError(400, message, { param, hint, code: 'invalid_value' });
}

/** Something that a model was not made for. */
export function incapable(message: string, hint?: string): ApiError {
  return new ApiError(400, message, { param: 'model', hint, code: 'model_not_capable' });
}

/** The server is about to end. */
export function stopping(): ApiError {
  return new ApiError(503, 'the server is stopping', {
    hint: 'ask again in a moment',
    code: 'server_stopping',
    headers: { 'Retry-After': '5' },
  });
}

/** What work ends with when nobody waits for it any more. Nobody reads it either: it is for the log, with nginx's status. */
export function clientLeft(cause: unknown): ApiError {
  return new ApiError(499, 'the client left', { code: 'client_left', cause });
}

/**
 * Any error as clients may see it. What a request brought about says what it is; of everything else only that it happened,
 * since messages may name files of this machine: the log has the cause.
 * @param requestId by which the log is searched
 */
export function toApiError(error: unknown, requestId: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DataError || error instanceof GenerationError || error instanceof ShapeError)
    return new ApiError(400, error.said, { hint: error.hint, code: error.code, cause: error });
  return new ApiError(500, `the server met an error that it did not expect; its log has it under ${requestId}`, {
    code: 'internal_error',
    cause: error,
  });
}
