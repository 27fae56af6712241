/** The interface as an OpenAPI 3.1 document, whose schemas are those that requests are checked by. */
import { z } from 'zod';
import type { Route } from './routes.ts';

type Json = Readonly<Record<string, unknown>>;

/** @param version of the package */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    // OpenAPI writes {id} where hono writes :id or :id{pattern}.
    const path = route.path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sensorium',
      version,
      description: 'Multimodal language models behind the interface of OpenAI, and what it has no place for.',
    },
    paths,
    components: {
      schemas: { Error: ERROR },
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'Where the server has keys.' } },
    },
    security: [{}, { key: [] }],
  };
}

function operation({ method, path, summary, request, response, event, status = 200, media }: Route): Json {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^\w/]/g, '').replaceAll('/', '_')}`,
    summary,
    ...(names.length === 0
      ? {}
      : { parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })) }),
    ...(request === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(request, 'input') } } } }),
    responses: {
      [status]: {
        description: 'The answer.',
        content: {
          ...(response === undefined ? {} : { 'application/json': { schema: schemaOf(response, 'output') } }),
          ...(media === undefined ? {} : { [media]: { schema: { type: 'string' } } }),
          ...(event === undefined
            ? {}
            : {
                'text/event-stream': {
                  schema: { type: 'string', description: 'Events whose data are JSON.' },
                  'x-event': schemaOf(event, 'output'),
                },
              }),
        },
      },
      default: {
        description: 'What is wrong, as OpenAI’s interface says it.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  return rest;
}

const ERROR: Json = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
    },
  },
};
