/** What goes over the wire. The server's answers are only used after a look at their shape (see `client.ts`). */

export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } };

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly ContentPart[];
}

/** Squares that a picture is cut into. */
export interface Grid {
  readonly rows: number;
  readonly cols: number;
}

/** Left, top, right and bottom in parts of the picture. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** A stretch of an answer, as it comes, with what the model looked at: [rows × cols] weights. */
export interface Piece {
  readonly text: string;
  readonly map?: readonly number[];
}

export interface ChatChunk extends Piece {
  readonly grid?: Grid;
  /** Which of the request's pictures the map belongs to, from 0. */
  readonly picture?: number;
  readonly finish?: string;
}

export const METHODS = [
  'relevance',
  'looking',
  'rollout',
  'attention',
  'grad-cam',
  'input-gradient',
  'integrated-gradients',
  'occlusion',
] as const;
export type Method = (typeof METHODS)[number];

/** How sure the model stays of its answer while the picture is taken away (or shown) part by part. */
export interface FaithfulnessCurve {
  readonly share: readonly number[];
  readonly probability: readonly number[];
  readonly area: number;
}

export interface TraceStep {
  readonly text: string;
  readonly box?: Box;
  readonly map: readonly number[];
}

export interface Explanation {
  readonly method: string;
  readonly answer: string;
  readonly grid: Grid;
  readonly picture?: number;
  readonly overall: readonly number[];
  readonly tokens: readonly Piece[];
  readonly trace: readonly TraceStep[];
  readonly faithfulness?: { readonly deletion: FaithfulnessCurve; readonly insertion: FaithfulnessCurve };
}

export interface Grounding {
  readonly boxes: readonly Box[];
  readonly text: string;
}

export interface TuningExample {
  /** Data URL. */
  readonly image: string;
  readonly text: string;
}

export interface TuningProgress {
  readonly step: number;
  readonly loss?: number;
  readonly accuracy?: number;
  /** Part of the time that is over, 0 to 1. */
  readonly progress?: number;
}

export type TuningEvent =
  | ({ readonly kind: 'progress' } & TuningProgress)
  | { readonly kind: 'queued'; readonly position: number }
  /** `asked` of the pictures that were taught, and how many of them it names rightly now. */
  | { readonly kind: 'done'; readonly model: string; readonly asked: number; readonly right: number }
  | { readonly kind: 'failed'; readonly message: string };

/** A text in one language, or in several. */
export type Text = string | Readonly<Record<string, string>>;

export interface Application {
  readonly id: string;
  readonly title: Text;
  readonly description: Text;
  readonly warning?: Text;
  readonly system?: Text;
  readonly prompt: Text;
  /** What people add, in a few words. */
  readonly input?: Text;
  /** Names of the answer's keys, by key. */
  readonly labels?: Readonly<Record<string, Text>>;
  readonly schema: JsonSchema;
  readonly sample?: { readonly picture?: string; readonly text?: Text };
}

/** The part of JSON Schema by which a result is laid out. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
}
