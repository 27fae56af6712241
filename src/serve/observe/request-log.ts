/** Logs for machines: one line of JSON for each request, and one for each failure of the server. */
import { DeviceError } from '../../core/index.ts';
import type { Observer, RequestRecord } from './request-record.ts';

/** Most lines of a stack that are written. */
const FRAMES = 12;

/**
 * Writes what is in records, and of failures what cannot hold anything of a request: the class, the code and the places in the
 * source. Messages are left out but for those of the engine and of the system, since others may quote what they choke on.
 * @param write takes a line without its end
 */
export function requestLog(write: (line: string) => void): Observer {
  return {
    ended: (record) => write(JSON.stringify({ level: 'info', event: 'request', ...asFields(record) })),
    failed: (record, cause) =>
      write(JSON.stringify({ level: 'error', event: 'failure', ...asFields(record), ...describeFailure(cause) })),
  };
}

/** Named one by one: what is added to a record does not come into logs by itself. */
function asFields(record: Readonly<RequestRecord>): Record<string, unknown> {
  return {
    time: new Date(record.time).toISOString(),
    id: record.id,
    method: record.method,
    route: record.route,
    status: record.status,
    ended: record.ended,
    ms: milliseconds(record.seconds),
    key: record.key,
    model: record.model,
    prompt_tokens: record.promptTokens,
    answer_tokens: record.answerTokens,
    pictures: record.pictures,
    first_token_ms: record.firstToken === undefined ? undefined : milliseconds(record.firstToken),
    refused: record.refused,
  };
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 10_000) / 10;
}

/** What a log may say of an error. */
export function describeFailure(cause: unknown): Record<string, unknown> {
  if (!(cause instanceof Error)) return { error: typeof cause };
  const { code, syscall } = cause as { code?: unknown; syscall?: unknown };
  const inner = syscall === undefined ? cause.cause : undefined;
  return {
    error: cause.name,
    ...(typeof code === 'string' ? { code } : {}),
    ...(tellsNothing(cause, syscall) ? { message: cause.message.slice(0, 500) } : {}),
    at: framesOf(cause),
    ...(inner instanceof Error ? { because: describeFailure(inner) } : {}),
  };
}

/** Whether a message is made by the engine, the system or the language, none of which quote what they are given. */
function tellsNothing(error: Error, syscall: unknown): boolean {
  return (
    error instanceof DeviceError ||
    typeof syscall === 'string' ||
    error instanceof RangeError ||
    error instanceof ReferenceError ||
    (error instanceof TypeError && /^Cannot (?:read|set) properties of/.test(error.message))
  );
}

/** The places alone: a stack begins with the message. */
function framesOf(error: Error): readonly string[] {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ {4}at .*(?::\d+:\d+\)?|<anonymous>\)?|\(native\))$/.test(line))
    .slice(0, FRAMES)
    .map((line) => line.trim());
}
