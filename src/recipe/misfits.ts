import { canBeAsked, SORT_OF_CLEVR_SIZE, studioOf } from '../data/index.ts';
import { isPretraining } from './pretraining.ts';
import type { TrainingRecipe } from './types.ts';

/** Objectives that compare pictures with descriptions. */
const COMPARING = ['contrastive', 'prototypes', 'truths', 'alignment', 'itm'] as const;

/** Values of a recipe that are sound each on its own and do not fit together. */
export interface Misfit {
  readonly path: readonly string[];
  readonly message: string;
}

/** Everything that does not fit together. */
export function misfits({ model, data, objectives, train }: TrainingRecipe): Misfit[] {
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
  demand(
    fusion.conditioned === undefined || fusion.pooledText === true,
    'model.fusion.conditioned',
    'needs pooledText: a text conditions as a whole',
  );
  demand(text.width % text.heads === 0, 'model.text.heads', `must divide width, ${text.width}`);
  demand(fusion.hidden % fusion.heads === 0, 'model.fusion.heads', `must divide hidden, ${fusion.hidden}`);
  const weightOf = (name: (typeof COMPARING)[number] | 'mlm'): number => objectives[name] ?? 0;
  const pretraining = isPretraining(data);
  for (const name of COMPARING) {
    demand(
      weightOf(name) === 0 || fusion.alignment > 0,
      'model.fusion.alignment',
      `must be more than 0 where objectives.${name} is`,
    );
    demand(
      weightOf(name) === 0 || (data.kind !== 'easy-vqa' && data.kind !== 'sort-of-clevr'),
      `objectives.${name}`,
      'must be 0: these data have no descriptions of their pictures',
    );
  }
  demand(
    weightOf('mlm') === 0 || pretraining,
    'objectives.mlm',
    `must be 0: ${data.kind} hides no words; emoji-descriptions and shape-descriptions do`,
  );
  demand(
    weightOf('mlm') === 0 || fusion.direction === 'text-to-vision',
    'model.fusion.direction',
    'must be text-to-vision where objectives.mlm is more than 0',
  );
  demand(
    !pretraining || (objectives.classification === 0 && objectives.prototypes === 0),
    'objectives',
    `classification and prototypes must be 0: ${data.kind} has no labels`,
  );
  demand(
    objectives.contrastive === 0 || weightOf('alignment') === 0,
    'objectives.alignment',
    'is the same as contrastive; give one of them',
  );
  demand((objectives.momentum ?? 0) === 0 || train.ema > 0, 'train.ema', 'must be more than 0 for objectives.momentum');
  demand(
    (objectives.momentum ?? 0) === 0 || weightOf('mlm') + weightOf('alignment') > 0,
    'objectives.momentum',
    'needs mlm or alignment',
  );
  demand(
    objectives.truths === 0 || objectives.prototypes > 0,
    'objectives.prototypes',
    'must be more than 0 where objectives.truths is',
  );
  demand(
    objectives.classification + COMPARING.reduce((sum, name) => sum + weightOf(name), weightOf('mlm')) > 0,
    'objectives',
    'one of them must be more than 0',
  );
  if (data.kind === 'sort-of-clevr') {
    const size = SORT_OF_CLEVR_SIZE;
    demand(vision.imageSize === size, 'model.vision.imageSize', `must be ${size} for Sort-of-CLEVR`);
    for (const [pass, { objects, kinds }] of (data.curriculum ?? []).entries())
      demand(
        objects === undefined || kinds === undefined || kinds.some((kind) => canBeAsked(kind, objects)),
        `data.curriculum.${pass}.kinds`,
        'must ask something else too: nothing is near to an object that is alone',
      );
  }
  if (data.kind === 'emoji-statements' || data.kind === 'emoji-descriptions') {
    const { imageSize } = vision;
    demand(imageSize >= 32 && imageSize <= 64, 'model.vision.imageSize', 'must be from 32 to 64 for emoji');
  }
  if (data.kind === 'emoji-statements') {
    const shared = data.train.filter((set) => data.test.some((studio) => studio === studioOf(set)));
    demand(shared.length === 0, 'data.test', `${shared.join(', ')} would be trained on and tested on`);
  }
  return found;
}
