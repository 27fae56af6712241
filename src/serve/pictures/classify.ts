/** `POST /v1/classify`: which of some labels fits a picture. */
import { z } from 'zod';
import type { LoadedModel } from '../../auto/index.ts';
import type { Picture } from '../../data/index.ts';
import { classify, embed, probabilitiesOf } from '../../tasks/index.ts';
import { readBody } from '../body.ts';
import type { ServeContext, Services } from '../context.ts';
import { incapable } from '../errors.ts';
import { inScope } from '../in-scope.ts';
import { modelName } from '../openai/chat-request.ts';
import { readPicture } from '../openai/messages.ts';

export interface ClassifyRequest {
  readonly model: string;
  readonly image: string;
  readonly labels: readonly string[];
}

export const classifyRequest: z.ZodType<ClassifyRequest> = z.looseObject({
  model: modelName,
  image: z.string().min(1).describe('A data URL.'),
  labels: z.array(z.string().trim().min(1).max(300)).min(1).max(256),
});

export interface Classification {
  readonly object: 'classification';
  readonly model: string;
  /** The best one first. */
  readonly labels: readonly { readonly label: string; readonly score: number }[];
}

export const classification: z.ZodType<Classification> = z.object({
  object: z.literal('classification'),
  model: z.string(),
  labels: z
    .array(z.object({ label: z.string(), score: z.number().min(0).max(1) }))
    .describe('The best one first. Scores add up to 1, but for SigLIP, which judges each label by itself.'),
});

export async function classifyPicture(c: ServeContext, services: Services): Promise<Response> {
  const request = await readBody(c, classifyRequest);
  return inScope(c, services, async (scope) => {
    const served = services.borrow(c, scope, request.model);
    served.require('classification');
    const picture = await readPicture(request.image, 'image', services.openPicture, scope.signal);
    const labels = await served.use((model) => scoresOf(model, picture, request.labels), scope.signal);
    return c.json({ object: 'classification', model: served.id, labels } satisfies Classification);
  });
}

async function scoresOf(
  model: LoadedModel,
  picture: Picture,
  labels: readonly string[],
): Promise<Classification['labels']> {
  if (model.kind === 'pair')
    return (await classify(model, picture, labels)).map(({ label, probability }) => ({ label, score: probability }));
  const space = model.kind === 'language' ? model.parts.space : undefined;
  if (space === undefined) throw incapable(`${model.name} does not compare pictures and texts`);
  const scale = await space.scale();
  const vectors = await embed(model, { pictures: [picture], texts: labels });
  const [shown] = vectors.pictures;
  const logits = vectors.texts.map((text) => scale * text.reduce((sum, x, i) => sum + x * shown![i]!, 0));
  const scores = probabilitiesOf(logits);
  return labels.map((label, i) => ({ label, score: scores[i]! })).sort((a, b) => b.score - a.score);
}
