import { ApiError } from '../errors.ts';

/** The part of a request's scope that a time limit needs. */
export interface Abortable {
  abort(reason: unknown): void;
  onEnd(ending: () => void): void;
}

/** Ends a request that takes longer than so many seconds in all, its waiting included; whoever asked is told. */
export function limitTime(scope: Abortable, seconds: number): void {
  const timer = setTimeout(
    () =>
      scope.abort(
        new ApiError(504, `the answer took more than ${seconds} s`, {
          hint: 'ask for fewer tokens, or again when less is going on',
          code: 'timeout',
        }),
      ),
    seconds * 1000,
  );
  scope.onEnd(() => clearTimeout(timer));
}
