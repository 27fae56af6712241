/** Tunings as requests and answers have them. */
import { z } from 'zod';

/** Pictures of one tuning. */
const MAX_EXAMPLES = 64;
/** Letters of what a picture is called. */
const MAX_TEXT = 500;
/** Seconds of training: fewest, unless told, and most. */
const LEAST_SECONDS = 2;
const USUAL_SECONDS = 45;
const MOST_SECONDS = 600;

/** Body of `POST /v1/tunings`. */
export interface TuningRequest {
  /** The model that learns; not an adapter of it. */
  readonly model: string;
  /** Of the adapter: requests then ask `model:name`. */
  readonly name: string;
  readonly examples: readonly { readonly image: string; readonly text: string }[];
  readonly seconds: number;
}

export const tuningRequest: z.ZodType<TuningRequest> = z.strictObject({
  model: z.string().min(1).max(300).describe('The model that learns; not an adapter of it.'),
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/, 'must be of letters, digits, - and _, 40 at most')
    .describe('Name of the adapter: requests then ask MODEL:NAME.'),
  examples: z
    .array(
      z.strictObject({
        image: z
          .string()
          .regex(/^data:image\//i, 'must be a picture as a data URL')
          .describe('A picture as a data URL.'),
        text: z.string().trim().min(1).max(MAX_TEXT),
      }),
    )
    .min(1)
    .max(MAX_EXAMPLES)
    .describe('Pictures and what each of them is called.'),
  seconds: z.number().min(LEAST_SECONDS).max(MOST_SECONDS).default(USUAL_SECONDS).describe('How long it learns.'),
});

/** How a tuning goes. */
export interface TuningProgress {
  readonly step: number;
  /** Part of the time that is over, 0 to 1. */
  readonly progress: number;
  readonly seconds: number;
  readonly loss: number | null;
  /** Share of the learned tokens that the model would have said itself. */
  readonly accuracy: number | null;
}

const progress = {
  step: z.int(),
  progress: z.number().describe('Part of the time that is over, 0 to 1.'),
  seconds: z.number(),
  loss: z.number().nullable(),
  accuracy: z.number().nullable().describe('Share of the learned tokens that the model would have said itself.'),
};

/** What came of a tuning. */
export interface TuningResult {
  /** Name that requests ask the adapter by. */
  readonly model: string;
  readonly steps: number;
  readonly seconds: number;
  /** Pictures of the tuning that the model was asked about afterwards, and how many it named as it was taught. */
  readonly asked: number;
  readonly right: number;
}

const result = {
  model: z.string().describe('Name that requests ask the adapter by.'),
  steps: z.int(),
  seconds: z.number(),
  asked: z.int().describe('Pictures of the tuning that the model was asked about afterwards.'),
  right: z.int().describe('Of them, how many it named as it was taught.'),
};

/** Why a tuning came to nothing. */
export interface TuningFault {
  readonly message: string;
  readonly code: string;
}

const fault = z.object({ message: z.string(), code: z.string() });

/** A tuning as `GET /v1/tunings/:id` shows it. */
export interface TuningObject {
  readonly id: string;
  readonly object: 'tuning';
  readonly created: number;
  readonly model: string;
  readonly name: string;
  /** How many. */
  readonly examples: number;
  readonly seconds: number;
  readonly status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  /** How many go before it, while it waits. */
  readonly position: number | null;
  readonly progress: TuningProgress | null;
  readonly result: TuningResult | null;
  readonly error: TuningFault | null;
}

export const tuningObject: z.ZodType<TuningObject> = z.object({
  id: z.string(),
  object: z.literal('tuning'),
  created: z.int(),
  model: z.string(),
  name: z.string(),
  examples: z.int(),
  seconds: z.number(),
  status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  position: z.int().nullable().describe('How many go before it, while it waits.'),
  progress: z.object(progress).nullable(),
  result: z.object(result).nullable(),
  error: fault.nullable(),
});

/** What happens to a tuning. */
export type TuningEvent =
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'started' }
  | ({ readonly type: 'progress' } & TuningProgress)
  | ({ readonly type: 'done' } & TuningResult)
  | { readonly type: 'failed' | 'cancelled'; readonly error: TuningFault };

export const tuningEvent: z.ZodType<TuningEvent> = z.union([
  z.object({ type: z.literal('queued'), position: z.int() }),
  z.object({ type: z.literal('started') }),
  z.object({ type: z.literal('progress'), ...progress }),
  z.object({ type: z.literal('done'), ...result }),
  z.object({ type: z.enum(['failed', 'cancelled']), error: fault }),
]);
