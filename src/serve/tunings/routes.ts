/** `/v1/tunings`: a model of the server learns from a few pictures, and answers with what it learned. */
import { readBody } from '../body.ts';
import type { PictureReader, ServeContext, Services } from '../context.ts';
import { eventStream, namedEvent } from '../event-stream.ts';
import { readPicture } from '../openai/messages.ts';
import type { Route } from '../routes.ts';
import { RequestScope } from '../scope.ts';
import type { TuningDesk } from './tuning-desk.ts';
import { tuningEvent, tuningObject, tuningRequest, type TuningRequest } from './tuning-request.ts';
import type { LessonRequest } from './tutor.ts';

export function tuningRoutes(desk: TuningDesk): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/tunings',
      summary: 'Teaches a model what a few pictures are called.',
      request: tuningRequest,
      response: tuningObject,
      status: 202,
      handle: (c, services) => take(c, services, desk),
    },
    {
      method: 'GET',
      path: '/v1/tunings/:id',
      summary: 'How a tuning goes.',
      response: tuningObject,
      handle: (c) => c.json(desk.describe(desk.find(idOf(c)))),
    },
    {
      method: 'GET',
      path: '/v1/tunings/:id/events',
      summary: 'All that happened to a tuning and happens, as events that have its type as their name.',
      event: tuningEvent,
      handle: (c, services) => watch(c, services, desk),
    },
    {
      method: 'DELETE',
      path: '/v1/tunings/:id',
      summary: 'Ends a tuning; nothing of it is kept. One that has ended stays as it is.',
      response: tuningObject,
      handle: async (c) => c.json(await desk.cancel(idOf(c))),
    },
  ];
}

function idOf(c: ServeContext): string {
  return c.req.param('id') ?? '';
}

async function take(c: ServeContext, services: Services, desk: TuningDesk): Promise<Response> {
  const request = await readBody(c, tuningRequest);
  const scope = services.scope(c);
  try {
    c.get('record').model = request.model;
    const tuning = await desk.take(request, opened(request, services.openPicture, scope.signal));
    return c.json(tuning, 202, { Location: `/v1/tunings/${tuning.id}` });
  } finally {
    scope.end();
  }
}

/** The pictures of a request, each opened when its turn comes. @throws ApiError naming the one that cannot be read */
async function* opened(
  { examples }: TuningRequest,
  openPicture: PictureReader,
  signal: AbortSignal,
): LessonRequest['examples'] & AsyncGenerator {
  for (const [i, { image, text }] of examples.entries())
    yield { picture: await readPicture(image, `examples[${i}].image`, openPicture, signal), text };
}

function watch(c: ServeContext, services: Services, desk: TuningDesk): Response {
  const tuning = desk.find(idOf(c));
  // Watching makes no model work: it takes no place in the queue and may last as long as the tuning.
  const scope = new RequestScope(c.req.raw.signal);
  async function* events(): AsyncGenerator<string, void, void> {
    for await (const event of tuning.watch(scope.signal)) yield namedEvent(event.type, event);
  }
  return eventStream(events(), { scope, onError: (error) => namedEvent('error', services.failure(c, error).body) });
}
