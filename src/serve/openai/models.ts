/** `GET /v1/models`: which names requests may call. */
import { z } from 'zod';
import type { ServeContext, Services } from '../context.ts';
import { CAPABILITIES, type Capability, type ServedModel } from '../pool/served-model.ts';

/** A model or an adapter, as it is listed. */
export interface ModelEntry {
  readonly id: string;
  readonly object: 'model';
  /** Seconds since 1970. */
  readonly created: number;
  readonly owned_by: string;
  readonly sensorium: {
    readonly base: string;
    readonly adapter: string | null;
    readonly kind: string;
    readonly capabilities: readonly Capability[];
    readonly context: number | null;
  };
}

export interface ModelList {
  readonly object: 'list';
  readonly data: readonly ModelEntry[];
}

export const modelEntry: z.ZodType<ModelEntry> = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  sensorium: z
    .object({
      base: z.string().describe('The model itself, where this is an adapter of it.'),
      adapter: z.string().nullable(),
      kind: z.string(),
      capabilities: z.array(z.enum(CAPABILITIES)),
      context: z.int().nullable().describe('Tokens of prompt and answer together.'),
    })
    .describe('Beside OpenAI’s interface.'),
});

export const modelList: z.ZodType<ModelList> = z.object({ object: z.literal('list'), data: z.array(modelEntry) });

export function listModels(c: ServeContext, services: Services): Response {
  return c.json({ object: 'list', data: services.pool.list().map(entryOf) } satisfies ModelList);
}

export function oneModel(c: ServeContext, services: Services): Response {
  const { served, release } = services.pool.borrow(c.req.param('id') ?? '');
  try {
    return c.json(entryOf(served));
  } finally {
    release();
  }
}

function entryOf(served: ServedModel): ModelEntry {
  const { id, base, created, model, capabilities } = served;
  return {
    id,
    object: 'model',
    created,
    owned_by: 'sensorium',
    sensorium: {
      base,
      adapter: id === base ? null : id.slice(base.length + 1),
      kind: model.kind,
      capabilities: [...capabilities],
      context: model.kind === 'language' ? model.parts.decoding.maxLength : null,
    },
  };
}
