import type { LoadedModel } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import { embed, embeds, unitRows } from './zero-shot.ts';
import { unfit } from './unfit.ts';

/** How well a text fits a picture. */
export interface Match {
  /** That they belong together; absent for models that only compare, as CLIP and the starter do. */
  readonly probability: number | undefined;
  /** Cosine of the angle between their vectors. */
  readonly cosine: number;
}

/** Holds a text against a picture. @throws CheckpointError when the model does not compare pictures and texts */
export async function match(model: LoadedModel, picture: Picture, text: string): Promise<Match> {
  if (model.kind === 'matcher') return model.match(picture, text);
  if (model.kind !== 'pair' && embeds(model)) {
    const vectors = await embed(model, { pictures: [picture], texts: [text] });
    return { probability: undefined, cosine: dot(vectors.pictures[0]!, vectors.texts[0]!) };
  }
  if (model.kind !== 'pair')
    throw unfit(model, 'compare pictures and texts', 'BLIP for retrieval, CLIP, SigLIP or a sensorium_vl model');
  const [image, words] = [await model.imageFeatures([picture]), await model.textFeatures([text])];
  const { probabilities } = await model.similarity(image, words);
  const [[a], [b]] = [unitRows(image), unitRows(words)];
  return {
    probability: model.exclusive ? undefined : probabilities.data[0]!,
    cosine: dot(a!, b!),
  };
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}
