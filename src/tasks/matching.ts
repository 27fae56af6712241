import type { LoadedModel } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import { unitRows } from './zero-shot.ts';
import { unfit } from './unfit.ts';

/** How well a text fits a picture. */
export interface Match {
  /** That they belong together; absent for CLIP, which only compares. */
  readonly probability: number | undefined;
  /** Cosine of the angle between their vectors. */
  readonly cosine: number;
}

/** Holds a text against a picture. @throws CheckpointError when the model does not compare pictures and texts */
export async function match(model: LoadedModel, picture: Picture, text: string): Promise<Match> {
  if (model.kind === 'matcher') return model.match(picture, text);
  if (model.kind !== 'pair') throw unfit(model, 'compare pictures and texts', 'BLIP for retrieval, CLIP or SigLIP');
  const [image, words] = [await model.imageFeatures([picture]), await model.textFeatures([text])];
  const { probabilities } = await model.similarity(image, words);
  const [[a], [b]] = [unitRows(image), unitRows(words)];
  return {
    probability: model.exclusive ? undefined : probabilities.data[0]!,
    cosine: a!.reduce((sum, x, i) => sum + x * b![i]!, 0),
  };
}
