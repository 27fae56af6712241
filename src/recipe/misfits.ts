import { SORT_OF_CLEVR_SIZE, studioOf } from '../data/index.ts';
import type { TrainingRecipe } from './types.ts';

/** Values of a recipe that are sound each on its own and do not fit together. */
export interface Misfit {
  readonly path: readonly string[];
  readonly message: string;
}

/** Everything that does not fit together. */
export function misfits({ model, data, objectives }: TrainingRecipe): Misfit[] {
  const { vision, text, fusion } = model;
  const found: Misfit[] = [];
  const demand = (fits: boolean, path: string, message: string): void => {
    if (!fits) found.push({ path: path.split('.'), message });
  };
  if (vision.kind !== 'convnet') {
    const { width, heads } = vision;
    demand(width % heads === 0, 'model.vision.heads', `must divide width, ${width}`);
  }
  if (vision.kind === 'vit') {
    const { imageSize, patchSize } = vision;
    demand(imageSize % patchSize === 0, 'model.vision.patchSize', `must divide imageSize, ${imageSize}`);
  } else {
    const { channels, blocks, imageSize, stem } = vision;
    demand(
      channels.length === blocks.length,
      'model.vision.blocks',
      `needs ${channels.length} numbers, one for each of channels`,
    );
    const step = stem * 2 ** (channels.length - 1);
    demand(
      vision.kind === 'conv-transformer' || imageSize % step === 0,
      'model.vision.imageSize',
      `must be a multiple of ${step} with this stem and these stages`,
    );
  }
  demand(
    fusion.pooledText !== true || fusion.direction === 'text-to-vision',
    'model.fusion.pooledText',
    'needs the direction text-to-vision',
  );
  demand(text.width % text.heads === 0, 'model.text.heads', `must divide width, ${text.width}`);
  demand(fusion.hidden % fusion.heads === 0, 'model.fusion.heads', `must divide hidden, ${fusion.hidden}`);
  for (const name of ['contrastive', 'prototypes', 'truths'] as const) {
    demand(
      objectives[name] === 0 || fusion.alignment > 0,
      'model.fusion.alignment',
      `must be more than 0 where objectives.${name} is`,
    );
    demand(
      objectives[name] === 0 || data.kind === 'emoji-statements',
      `objectives.${name}`,
      'must be 0: these data have no descriptions of their pictures',
    );
  }
  demand(
    objectives.truths === 0 || objectives.prototypes > 0,
    'objectives.prototypes',
    'must be more than 0 where objectives.truths is',
  );
  demand(
    objectives.classification + objectives.contrastive + objectives.prototypes > 0,
    'objectives',
    'one of them must be more than 0',
  );
  if (data.kind === 'sort-of-clevr') {
    const size = SORT_OF_CLEVR_SIZE;
    demand(vision.imageSize === size, 'model.vision.imageSize', `must be ${size} for Sort-of-CLEVR`);
  }
  if (data.kind === 'emoji-statements') {
    const { imageSize } = vision;
    demand(imageSize >= 32 && imageSize <= 64, 'model.vision.imageSize', 'must be from 32 to 64 for emoji statements');
    const shared = data.train.filter((set) => data.test.includes(studioOf(set)));
    demand(shared.length === 0, 'data.test', `${shared.join(', ')} would be trained on and tested on`);
  }
  return found;
}
