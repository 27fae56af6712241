/** `POST /v1/ground`: where something is. */
import { z } from 'zod';
import type { Message } from '../../auto/index.ts';
import { collect, questionParts } from '../../tasks/index.ts';
import { readBody } from '../body.ts';
import type { ServeContext, Services } from '../context.ts';
import { inScope } from '../in-scope.ts';
import { answeringOptions } from '../openai/answering-options.ts';
import { modelName } from '../openai/chat-request.ts';
import { readPicture } from '../openai/messages.ts';

/** Tokens that boxes may take. */
const LENGTH = 512;

export interface GroundRequest {
  readonly model: string;
  readonly image: string;
  readonly phrase: string;
}

export const groundRequest: z.ZodType<GroundRequest> = z.looseObject({
  model: modelName,
  image: z.string().min(1).describe('A data URL.'),
  phrase: z.string().trim().min(1).max(1000).describe('What to point at, such as "the red cup".'),
});

export interface Grounding {
  readonly object: 'grounding';
  readonly model: string;
  /** Left, top, right and bottom, in parts of the picture. */
  readonly boxes: readonly (readonly [number, number, number, number])[];
  /** What the model wrote. */
  readonly text: string;
}

const part = z.number().min(0).max(1);

export const grounding: z.ZodType<Grounding> = z.object({
  object: z.literal('grounding'),
  model: z.string(),
  boxes: z.array(z.tuple([part, part, part, part])).describe('Left, top, right and bottom, in parts of the picture.'),
  text: z.string(),
});

export async function groundPicture(c: ServeContext, services: Services): Promise<Response> {
  const request = await readBody(c, groundRequest);
  return inScope(c, services, async (scope) => {
    const served = services.borrow(c, scope, request.model);
    served.require('grounding');
    const pointing = served.language().parts.processor!.grounding!;
    const picture = await readPicture(request.image, 'image', services.openPicture, scope.signal);
    const messages: Message[] = [
      { role: 'user', content: questionParts(pointing.question(request.phrase), [picture]) },
    ];
    const prompt = await served.prompt(messages, scope.signal);
    const wanted = { maxTokens: LENGTH, temperature: 0, format: { kind: 'text' } } as const;
    const options = answeringOptions(served, prompt, wanted, scope.signal);
    const answer = await collect(services.answer(c, served, prompt, options));
    const { width, height } = picture;
    return c.json({
      object: 'grounding',
      model: served.id,
      boxes: pointing
        .read(answer.text, picture)
        .boxes.map(
          ({ left, top, right, bottom }) => [left / width, top / height, right / width, bottom / height] as const,
        ),
      text: answer.text,
    } satisfies Grounding);
  });
}
