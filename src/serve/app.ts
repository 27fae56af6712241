import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { type ServeContext, type ServeEnv, Services } from './context.ts';
import { ApiError, stopping } from './errors.ts';
import { type Route, ROUTES } from './routes.ts';

/** Largest body in bytes: a few photographs as data URLs. */
const MAX_BODY = 32 * 2 ** 20;

export interface ServerOptions extends Pick<Services, 'pool' | 'openPicture' | 'onProblem'> {
  /** What every request passes, in this order: log, keys, quotas, limits. */
  readonly middleware?: readonly MiddlewareHandler<ServeEnv>[];
  /** What is answered beside the server's own routes. */
  readonly routes?: readonly Route[];
}

/** A server that answers, and what ends it. */
export interface SensoriumServer {
  readonly app: Hono<ServeEnv>;
  readonly services: Services;
}

/**
 * The server without a network: `app.fetch` takes a Request and gives a Response, in every runtime. Errors of all kinds are
 * answered as OpenAI's interface has them.
 */
export function createServer(options: ServerOptions): SensoriumServer {
  const services = new Services(options);
  const app = new Hono<ServeEnv>();
  const refuse = (c: ServeContext, error: unknown): Response => {
    const { status, body, headers } = services.failure(c, error);
    return Response.json(body, { status, headers });
  };
  app.onError((error, c) =>
    refuse(c, error instanceof HTTPException ? new ApiError(error.status, error.message) : error),
  );
  app.notFound((c) =>
    refuse(
      c,
      new ApiError(404, `there is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}`, {
        hint: 'GET /openapi.json tells what there is',
        code: 'not_found',
      }),
    ),
  );
  app.use(named);
  for (const middleware of options.middleware ?? []) app.use(middleware);
  app.use('/v1/*', (c, next) => (services.draining ? Promise.resolve(refuse(c, stopping())) : next()));
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: MAX_BODY,
      onError: () => {
        throw new ApiError(413, `the body has more than ${MAX_BODY} bytes`, { hint: 'send smaller pictures' });
      },
    }),
  );
  for (const { method, path, handle } of [...ROUTES, ...(options.routes ?? [])])
    app.on(method, path, (c) => handle(c, services));
  app.get('/health', (c) => c.json({ status: 'ok' }));
  app.get('/ready', (c) => {
    const ready = !services.draining && services.pool.size > 0;
    return c.json({ status: ready ? 'ready' : services.draining ? 'draining' : 'loading' }, ready ? 200 : 503);
  });
  return { app, services };
}

/** Gives each request a name, and answers headers that browsers keep to. */
const named: MiddlewareHandler<ServeEnv> = async (c, next) => {
  c.set('requestId', `req_${crypto.randomUUID().replaceAll('-', '')}`);
  await next();
  c.res.headers.set('X-Request-Id', c.get('requestId'));
  c.res.headers.set('X-Content-Type-Options', 'nosniff');
  c.res.headers.set('Referrer-Policy', 'no-referrer');
  c.res.headers.set('Cross-Origin-Resource-Policy', 'same-origin');
};
