import { Hono, type MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { type ServeContext, type ServeEnv, Services } from './context.ts';
import { ApiError, stopping } from './errors.ts';
import { type GuardOptions, Guards } from './guards.ts';
import { openApiDocument } from './openapi.ts';
import { pageFile, type PageFiles } from './playground.ts';
import { observe } from './observe/observe.ts';
import { type Route, ROUTES } from './routes.ts';

export interface ServerOptions extends Pick<Services, 'pool' | 'openPicture'> {
  /** Keys, quotas, limits, names, origins, and who hears of requests. */
  readonly guards?: GuardOptions;
  /** Files of the page at `/`; a few words stand there without them. */
  readonly page?: PageFiles;
  /** Version of the package, for the OpenAPI document. */
  readonly version?: string;
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
  const { pool, openPicture } = options;
  const guards = new Guards(options.guards);
  const services = new Services({ pool, openPicture, guards });
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
  app.use(observe(guards.observer), safeHeaders, ...guards.everywhere());
  const keyed = guards.keyed();
  app.use('/v1/*', keyed);
  app.use('/v1/*', (c, next) => (services.draining ? Promise.resolve(refuse(c, stopping())) : next()));
  app.use('/v1/*', ...guards.limited());
  app.use('/metrics', keyed);
  const routes = [...ROUTES, ...metricsRoute(guards), ...(options.routes ?? [])];
  for (const { method, path, handle } of routes) app.on(method, path, (c) => handle(c, services));
  let document: ReturnType<typeof openApiDocument> | undefined;
  app.get('/openapi.json', (c) => c.json((document ??= openApiDocument(routes, options.version ?? '0.0.0'))));
  const { page = new Map() } = options;
  // All else that is asked for is a file of the page, or not there.
  app.get('*', (c) => pageFile(c, page));
  return { app, services };
}

function metricsRoute({ readMetrics }: Guards): Route[] {
  if (readMetrics === undefined) return [];
  const handle = async (c: ServeContext): Promise<Response> => {
    const { text, type } = await readMetrics();
    return c.body(text, 200, { 'Content-Type': type });
  };
  return [{ method: 'GET', path: '/metrics', summary: 'Figures for Prometheus.', media: 'text/plain', handle }];
}

/** Answers headers that browsers keep to. */
const safeHeaders: MiddlewareHandler<ServeEnv> = async (c, next) => {
  await next();
  c.res.headers.set('X-Content-Type-Options', 'nosniff');
  c.res.headers.set('Referrer-Policy', 'no-referrer');
  c.res.headers.set('Cross-Origin-Resource-Policy', 'same-origin');
};
