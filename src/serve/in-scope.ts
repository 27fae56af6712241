import type { ServeContext, Services } from './context.ts';
import { type EventStreamOptions, eventStream } from './event-stream.ts';
import type { RequestScope } from './scope.ts';

/** An answer that comes as events; the first of them is waited for, so that what fails before it has its own status. */
export interface StreamedAnswer {
  readonly events: AsyncGenerator<string, void, void>;
  /** The event that says of an error what can still be said. */
  readonly onError: EventStreamOptions['onError'];
}

/** Answers a request within its scope, which ends with the answer: at once, or with the last event. */
export async function inScope(
  c: ServeContext,
  services: Services,
  work: (scope: RequestScope) => Promise<Response | StreamedAnswer>,
): Promise<Response> {
  const scope = services.scope(c);
  let handedOn = false;
  try {
    const answer = await work(scope);
    if (answer instanceof Response) return answer;
    const events = await begun(answer.events);
    handedOn = true;
    return eventStream(events, { scope, onError: answer.onError });
  } finally {
    if (!handedOn) scope.end();
  }
}

/** The same events, of which the first is there. @throws what making it throws */
async function begun(events: AsyncGenerator<string, void, void>): Promise<AsyncGenerator<string, void, void>> {
  const first = await events.next();
  return (async function* () {
    try {
      if (first.done === true) return;
      yield first.value;
      yield* events;
    } finally {
      // Also where nobody asked for a second one.
      await events.return();
    }
  })();
}
