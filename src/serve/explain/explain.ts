/** `POST /v1/explain`: why a model answers as it does. */
import { z } from 'zod';
import { EXPLANATION_METHODS, explain, type Explanation, type ExplanationMethod } from '../../explain/index.ts';
import { readBody } from '../body.ts';
import type { ServeContext, Services } from '../context.ts';
import { inScope } from '../in-scope.ts';
import { answeringOptions } from '../openai/answering-options.ts';
import { modelName } from '../openai/chat-request.ts';
import { messages, readMessages, type RequestMessages } from '../openai/messages.ts';

/** Tokens of an answer that are explained. */
const MOST_TOKENS = 256;

export interface ExplainRequest {
  readonly model: string;
  readonly messages: RequestMessages;
  readonly method?: ExplanationMethod | null | undefined;
  readonly faithfulness?: boolean | null | undefined;
  readonly max_tokens?: number | null | undefined;
}

export const explainRequest: z.ZodType<ExplainRequest> = z.looseObject({
  model: modelName,
  messages: messages.describe('The last one may be the answer; else the model answers first.'),
  method: z.enum(EXPLANATION_METHODS).nullish(),
  faithfulness: z.boolean().nullish().describe('Whether it is measured how far to believe the map; takes longer.'),
  max_tokens: z.int().min(1).max(MOST_TOKENS).nullish(),
});

export interface ExplanationObject extends Explanation {
  readonly object: 'explanation';
  readonly model: string;
}

const map = z.array(z.number().min(0)).describe('Row by row; adds up to 1, or is 0 all over.');
const part = z.number();
const curve = z.object({ share: z.array(z.number()), probability: z.array(z.number()), area: z.number() });

export const explanation: z.ZodType<ExplanationObject> = z.object({
  object: z.literal('explanation'),
  model: z.string(),
  method: z.enum(EXPLANATION_METHODS),
  answer: z.string(),
  picture: z.object({ width: z.int(), height: z.int() }),
  grid: z.object({ rows: z.int(), cols: z.int() }),
  overall: map,
  tokens: z.array(z.object({ text: z.string(), logprob: z.number(), map })),
  trace: z
    .array(
      z.object({
        text: z.string(),
        start: z.int(),
        end: z.int(),
        box: z.tuple([part, part, part, part]).exactOptional(),
        map,
      }),
    )
    .exactOptional(),
  faithfulness: z.object({ deletion: curve, insertion: curve }).exactOptional(),
});

export async function explainAnswer(c: ServeContext, services: Services): Promise<Response> {
  const request = await readBody(c, explainRequest);
  return inScope(c, services, async (scope) => {
    const served = services.borrow(c, scope, request.model);
    served.require('explanations');
    const { signal } = scope;
    const conversation = await readMessages(request.messages, services.openPicture, signal);
    const found = await explain(served.language(), conversation, {
      ...(request.method === null || request.method === undefined ? {} : { method: request.method }),
      faithfulness: request.faithfulness === true,
      adapters: served.adapters,
      signal,
      // Within the batch, as all answers.
      answer: async function* () {
        const prompt = await served.prompt(conversation, signal);
        const wanted = {
          maxTokens: request.max_tokens ?? MOST_TOKENS,
          temperature: 0,
          format: { kind: 'text' },
        } as const;
        yield* services.answer(c, served, prompt, answeringOptions(served, prompt, wanted, signal));
      },
    });
    return c.json({ object: 'explanation', model: served.id, ...found } satisfies ExplanationObject);
  });
}
