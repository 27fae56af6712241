// I pictures, B texts, E width of the shared space
import type { LoadedModel, VectorSpace } from '../auto/index.ts';
import { DataError, type HostTensor } from '../core/index.ts';
import type { Picture } from '../data/index.ts';
import { unfit } from './unfit.ts';

/** A label with how likely it is. */
export interface ScoredLabel {
  readonly label: string;
  /** Over all labels for CLIP; of each label by itself for SigLIP. */
  readonly probability: number;
  /** Scaled cosine, as the model compares. */
  readonly logit: number;
}

const COMPARING = 'CLIP or SigLIP';
const EMBEDDING = 'CLIP, SigLIP or a sensorium_vl model';

/** How CLIP's authors put labels into sentences (Radford et al. 2021, arXiv 2103.00020, section 3.1.4). */
const SENTENCE = 'a photo of a {}';

/**
 * Which of the labels fits a picture, by a model that compares pictures and texts.
 * @param options.sentence in which `{}` stands for the label
 * @returns all labels, the likeliest first
 * @throws DataError when there is no label or the sentence has no place for it
 */
export async function classify(
  model: LoadedModel,
  picture: Picture,
  labels: readonly string[],
  options: { sentence?: string } = {},
): Promise<ScoredLabel[]> {
  if (model.kind !== 'pair') throw unfit(model, 'compare pictures and texts', COMPARING);
  const { sentence = SENTENCE } = options;
  if (labels.length === 0) throw new DataError('there is no label', 'give at least one');
  if (!sentence.includes('{}')) throw new DataError(`'${sentence}' has no {}`, 'write {} where the label goes');
  const texts = labels.map((label) => sentence.replaceAll('{}', label));
  const { logits, probabilities } = await model.similarity(
    await model.imageFeatures([picture]),
    await model.textFeatures(texts),
  );
  return labels
    .map((label, i) => ({ label, probability: probabilities.data[i]!, logit: logits.data[i]! }))
    .sort((a, b) => b.logit - a.logit);
}

/** What turns pictures and texts into vectors of one space, where a model has such a space. */
function spaceOf(model: LoadedModel): Pick<VectorSpace, 'ofPictures' | 'ofTexts'> | undefined {
  if (model.kind === 'pair')
    return {
      ofPictures: (pictures) => model.imageFeatures(pictures),
      ofTexts: (texts) => model.textFeatures(texts),
    };
  return model.kind === 'language' ? model.parts.space : undefined;
}

/** Whether {@link embed} can be asked of a model. */
export function embeds(model: LoadedModel): boolean {
  return spaceOf(model) !== undefined;
}

/**
 * Pictures and texts as vectors of length 1 in one space: their product is the cosine.
 * @throws CheckpointError for a model that has no such space, DataError when there is nothing to embed
 */
export async function embed(
  model: LoadedModel,
  inputs: { readonly pictures?: readonly Picture[]; readonly texts?: readonly string[] },
): Promise<{ pictures: Float32Array[]; texts: Float32Array[] }> {
  const space = spaceOf(model);
  if (space === undefined) throw unfit(model, 'make vectors of pictures and texts', EMBEDDING);
  const { pictures = [], texts = [] } = inputs;
  if (pictures.length + texts.length === 0)
    throw new DataError('there is nothing to embed', 'give a picture or a text');
  return {
    pictures: pictures.length === 0 ? [] : unitRows(await space.ofPictures(pictures)),
    texts: texts.length === 0 ? [] : unitRows(await space.ofTexts(texts)),
  };
}

/** Rows, each brought to length 1. */
export function unitRows({ shape, data }: HostTensor<'float32'>): Float32Array[] {
  const [rows, width] = shape as readonly [number, number];
  return Array.from({ length: rows }, (_, row) => {
    const vector = data.subarray(row * width, (row + 1) * width);
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    return vector.map((x) => x / length);
  });
}
