/** What is known of a request when it is over. No field holds anything that was asked or answered. */

/** How a request ended. */
export type RequestEnd =
  /** All of the answer was handed over. */
  | 'answered'
  /** The client went away before. */
  | 'left'
  /** The answer began and could not be finished. */
  | 'broken';

export interface RequestRecord {
  readonly id: string;
  /** A method of HTTP, or `OTHER`. */
  readonly method: string;
  /** The pattern that matched, such as `/v1/models/:model`, never the path itself; `none` when nothing did. */
  readonly route: string;
  status: number;
  ended: RequestEnd;
  /** When it came, as `Date.now` has it. */
  readonly time: number;
  /** From the first to the last byte, in seconds. */
  seconds: number;
  /** Name of the key that was shown. */
  key?: string;
  model?: string;
  promptTokens?: number;
  answerTokens?: number;
  pictures?: number;
  /** Until the first token, from when the request came, in seconds. */
  firstToken?: number;
  /** Why it was refused, as the error's code says it. */
  refused?: string;
}

/** What hears of requests: logs and metrics. Nothing of it may throw. */
export interface Observer {
  /** A request came. */
  began?(): void;
  /** The first token of an answer, from when the request came. */
  firstToken?(model: string, seconds: number): void;
  /** Each further token of it, from the one before. */
  nextToken?(model: string, seconds: number): void;
  /** A request is over. */
  ended?(record: Readonly<RequestRecord>): void;
  /** Something went wrong on the server's side. */
  failed?(record: Readonly<RequestRecord>, cause: unknown): void;
}

/** Several observers as one. */
export function observers(...all: readonly Observer[]): Observer {
  return {
    began: () => all.forEach((each) => each.began?.()),
    firstToken: (model, seconds) => all.forEach((each) => each.firstToken?.(model, seconds)),
    nextToken: (model, seconds) => all.forEach((each) => each.nextToken?.(model, seconds)),
    ended: (record) => all.forEach((each) => each.ended?.(record)),
    failed: (record, cause) => all.forEach((each) => each.failed?.(record, cause)),
  };
}
