import { LANGUAGES } from '../emoji/concepts.ts';
import type { EmojiMaterial } from '../emoji/dataset.ts';
import { textsIn } from '../samples.ts';
import { asAnswer } from '../tokenizer-config.ts';
import { sampleRandom } from '../dataset.ts';
import { makeAsked } from './source.ts';
import { SceneMaker } from './maker.ts';
import { fullSceneOptions, type SceneOptions } from './options.ts';
import { nameOf, SceneVocabulary, someOf, theOf } from './vocabulary.ts';

/**
 * What a tokenizer is made from: every name of what may be shown, in both languages and as questions use it, then the
 * questions and answers of `count` scenes.
 */
export function* sceneTexts(options: SceneOptions, material: EmojiMaterial, count = 3000, seed = 1): Generator<string> {
  const vocabulary = new SceneVocabulary(material.concepts, options.without);
  for (const concept of material.concepts) {
    // A token that is never learned would stand in the way of learning the name afterwards.
    if (!vocabulary.isUsed(concept)) continue;
    for (const language of LANGUAGES)
      yield* [...new Set([nameOf(concept, language), someOf(concept, language), theOf(concept, language)])].map(
        asAnswer,
      );
  }
  const maker = new SceneMaker(fullSceneOptions(options), vocabulary, material.sprites);
  for (let index = 0; index < count; index++) {
    for (const { question, answer } of makeAsked(maker, sampleRandom(seed, 0, index)).questions) {
      yield* textsIn(question);
      yield* textsIn(answer).map(asAnswer);
    }
  }
}
