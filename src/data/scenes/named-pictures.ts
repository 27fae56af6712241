import { DataError } from '../../core/index.ts';
import { sampleRandom } from '../dataset.ts';
import { type Concept, LANGUAGES } from '../emoji/concepts.ts';
import type { EmojiMaterial } from '../emoji/dataset.ts';
import type { Picture } from '../image.ts';
import { askOne } from './ask.ts';
import { SceneMaker } from './maker.ts';
import { fullSceneOptions, type SceneOptions } from './options.ts';
import type { SceneQuestion } from './question.ts';
import { SceneVocabulary } from './vocabulary.ts';

/** A picture of one thing, with the questions for its name in every language. */
export interface NamedPicture {
  readonly concept: Concept;
  readonly picture: Picture;
  readonly questions: readonly SceneQuestion[];
}

/**
 * Pictures of chosen concepts, each alone: to teach them, or to see whether they are known. The first of a concept is drawn by
 * the first set that has it, the next by the next, and so on, so that a handful shows as many hands as there are.
 * @param material drawings of the sets of `options`
 * @param chosen.concepts code points  @param chosen.each pictures of each concept
 * @throws DataError for a concept that no set has
 */
export function namedPictures(
  material: EmojiMaterial,
  options: SceneOptions,
  chosen: { readonly concepts: readonly string[]; readonly each: number; readonly seed: number },
): NamedPicture[] {
  const vocabulary = new SceneVocabulary(material.concepts);
  const full = fullSceneOptions(options);
  const makers = material.sprites.map((set) => new SceneMaker(full, vocabulary, [set]));
  return chosen.concepts.flatMap((hexcode) => {
    const concept = material.concepts.find((each) => each.hexcode === hexcode);
    const able = concept === undefined ? [] : makers.filter((maker) => maker.draws(concept));
    if (concept === undefined || able.length === 0)
      throw new DataError(`no studio has drawn ${hexcode}`, 'give code points of emoji, such as 1F951');
    return Array.from({ length: chosen.each }, (_, i): NamedPicture => {
      const random = sampleRandom(chosen.seed, i, concept.index).fork('named');
      const asking = random.fork('questions');
      const scene = able[i % able.length]!.make(random, concept);
      const questions = LANGUAGES.flatMap((language) => askOne('naming', scene, language, asking, vocabulary) ?? []);
      return { concept, picture: scene.picture, questions };
    });
  });
}
