/** `POST /v1/embeddings`: texts, and beside OpenAI's interface pictures, as vectors of one space. */
import { z } from 'zod';
import type { LoadedModel } from '../../auto/index.ts';
import { embed } from '../../tasks/index.ts';
import { readBody } from '../body.ts';
import type { ServeContext, Services } from '../context.ts';
import { unsupported } from '../errors.ts';
import { inScope } from '../in-scope.ts';
import { modelName } from './chat-request.ts';
import { type ContentPart, contentPart, readPart } from './messages.ts';

const MAX_INPUTS = 256;
const MAX_LETTERS = 20_000;

/** What is read of a request. */
export interface EmbeddingsRequest {
  readonly model: string;
  readonly input: string | ContentPart | readonly (string | ContentPart)[] | readonly number[] | readonly number[][];
  readonly encoding_format?: 'float' | 'base64' | null | undefined;
  readonly dimensions?: number | null | undefined;
}

const text = z.string().min(1).max(MAX_LETTERS);

export const embeddingsRequest: z.ZodType<EmbeddingsRequest> = z.looseObject({
  model: modelName,
  input: z
    .union([
      text,
      contentPart,
      z
        .array(z.union([text, contentPart]))
        .min(1)
        .max(MAX_INPUTS),
      z.array(z.int()).min(1).max(MAX_LETTERS),
      z.array(z.array(z.int()).max(MAX_LETTERS)).min(1).max(MAX_INPUTS),
    ])
    .describe('Texts, or parts as of a message: a picture is one vector too. Lists of tokens are refused.'),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish().describe('Refused unless it is what the model has.'),
});

/** Vectors of length 1, in the order of the inputs. */
export interface EmbeddingsList {
  readonly object: 'list';
  readonly data: readonly {
    readonly object: 'embedding';
    readonly index: number;
    /** Numbers, or their bytes (float32, little-endian) in base64. */
    readonly embedding: readonly number[] | string;
  }[];
  readonly model: string;
  /** Tokens of texts; pictures count none. */
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
}

export const embeddingsList: z.ZodType<EmbeddingsList> = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

export async function embeddings(c: ServeContext, services: Services): Promise<Response> {
  const request = await readBody(c, embeddingsRequest);
  const inputs = inputsOf(request.input);
  return inScope(c, services, async (scope) => {
    const served = services.borrow(c, scope, request.model);
    served.require('embeddings');
    const parts: Awaited<ReturnType<typeof readPart>>[] = [];
    for (const [i, input] of inputs.entries())
      parts.push(
        typeof input === 'string'
          ? { type: 'text', text: input }
          : await readPart(input, `input[${i}]`, services.openPicture, scope.signal),
      );
    const pictures = parts.flatMap((part) => (part.type === 'image' ? [part.image] : []));
    const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
    const vectors = await served.use((model) => embed(model, { pictures, texts }), scope.signal);
    const [ofPictures, ofTexts] = [vectors.pictures.values(), vectors.texts.values()];
    const ordered = parts.map(({ type }) => (type === 'image' ? ofPictures : ofTexts).next().value!);
    const width = ordered[0]!.length;
    if (request.dimensions !== null && request.dimensions !== undefined && request.dimensions !== width)
      throw unsupported('dimensions', `vectors of ${served.id} have ${width} dimensions, always`, 'leave it out');
    const tokens = texts.reduce((sum, each) => sum + countTokens(served.model, each), 0);
    return c.json({
      object: 'list',
      data: ordered.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: request.encoding_format === 'base64' ? base64(vector) : [...vector],
      })),
      model: served.id,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    } satisfies EmbeddingsList);
  });
}

function inputsOf(input: EmbeddingsRequest['input']): readonly (string | ContentPart)[] {
  const all = Array.isArray(input) ? (input as readonly unknown[]) : [input];
  if (all.some((each) => typeof each === 'number' || Array.isArray(each)))
    throw unsupported('input', 'tokens of another tokenizer mean nothing here', 'send texts');
  return all as readonly (string | ContentPart)[];
}

function countTokens(model: LoadedModel, words: string): number {
  if (model.kind === 'pair') return model.countTokens(words);
  return model.kind === 'language' ? (model.parts.space?.countTokens(words) ?? 0) : 0;
}

/** float32 in little-endian order, on any machine. */
function base64(vector: Float32Array): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [i, x] of vector.entries()) view.setFloat32(i * 4, x, true);
  return btoa(Array.from(new Uint8Array(view.buffer), (byte) => String.fromCharCode(byte)).join(''));
}
