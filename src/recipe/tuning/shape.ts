/** How the samples of a recipe become batches of its model. */
import { TrainingError } from '../../core/index.ts';
import type { ReadingArchitecture } from '../../auto/index.ts';
import { MOST_REGIONS } from '../../data/scenes/index.ts';
import { readsPictures, SensoriumVL, stemPatches } from '../../models/index.ts';
import type { ConversationShape } from '../conversations/dataset.ts';
import type { RegionClasses } from '../conversations/matching.ts';
import type { TuningRecipe } from './types.ts';

/** Tokens of a description that are compared. */
const CAPTION_LENGTH = 48;

/** Whether pictures are held against anything but what the assistant says, which needs inputs and weights of its own. */
export function matchesPictures({
  regions,
  words,
  looking,
  kinds,
  contrastive,
  shown,
}: TuningRecipe['objectives']): boolean {
  return regions + words + looking + kinds + contrastive + shown > 0;
}

/** How samples become batches of this model. */
export function shapeOf(
  { data, objectives }: TuningRecipe,
  { model }: ReadingArchitecture,
  regions: RegionClasses | undefined,
): ConversationShape {
  const imageToken = readsPictures(model) ? model.imageToken : undefined;
  const shape = {
    length: data.length,
    learned: data.learned,
    evenness: data.evenness,
    splitTokens: data.splitTokens,
    imageToken,
    padToken: 0,
    retaining: objectives.retention > 0,
  };
  if (!matchesPictures(objectives)) return shape;
  if (!(model instanceof SensoriumVL) || regions === undefined)
    throw new TrainingError(
      'matching of pictures needs a model of type sensorium_vl and data that know what pictures show',
      'set objectives.regions, words, looking, kinds, contrastive and shown to 0',
    );
  const side = stemPatches(model.config.vision);
  /** Features on a side of a picture, as the decoder is given them. */
  const squares = side / model.config.scale;
  return {
    ...shape,
    matching: {
      regions: MOST_REGIONS,
      side,
      captionLength: CAPTION_LENGTH,
      concepts: regions.concepts,
      attributes: objectives.attributes > 0 ? regions.attributes.length : 0,
      endToken: model.config.endToken,
    },
    ...(objectives.looking > 0 ? { looking: squares } : {}),
    ...(objectives.kinds > 0 ? { kinds: squares } : {}),
    ...(objectives.words > 0 ? { words: { regions: MOST_REGIONS, vocabulary: model.config.text.vocabularySize } } : {}),
  };
}

/** Side of the pictures that scenes are made with. */
export function imageSizeOf({ model }: ReadingArchitecture): number | undefined {
  return model instanceof SensoriumVL ? model.config.vision.imageSize : undefined;
}
