import { type DrawingSet, TRAINING_SETS } from '../../data/index.ts';
import { prepareScenes } from '../../data/node/index.ts';
import { type EmojiScenesOptions, emojiScenesSuite, type PictureSuite, suiteSceneOptions } from '../suites/index.ts';

/** Whose drawings are shown: the studio that no model may be trained on, or all the others. */
export const SUITE_STUDIOS: Readonly<Record<'openmoji' | 'seen', readonly DrawingSet[]>> = {
  openmoji: ['openmoji'],
  seen: TRAINING_SETS,
};

/** The suite with drawings from the installed packages. @throws DataError */
export async function openEmojiScenes(
  studio: keyof typeof SUITE_STUDIOS,
  options: Omit<EmojiScenesOptions, 'sets'> = {},
): Promise<PictureSuite> {
  const given = { ...options, sets: SUITE_STUDIOS[studio] };
  return emojiScenesSuite(await prepareScenes(suiteSceneOptions(given)), given);
}
