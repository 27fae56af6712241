import { DataError, type Random } from '../../core/index.ts';
import { sampleRandom } from '../dataset.ts';
import type { EmojiMaterial } from '../emoji/dataset.ts';
import type { RegionGroup, Sample, SampleMoment, SampleRegion, SampleSource } from '../samples.ts';
import { askAbout } from './ask.ts';
import { colourName, SCENE_COLOURS } from './colours.ts';
import { GLYPHS } from './glyphs.ts';
import { kindName, SCENE_KINDS } from './kinds.ts';
import { SceneMaker } from './maker.ts';
import { fullSceneOptions, TRAINING_SETS, type FullSceneOptions, type SceneOptions } from './options.ts';
import { placeName } from './phrases.ts';
import { asConversation, type QuestionKind, type SceneQuestion } from './question.ts';
import { CAPTION_STYLES, describeScene } from './questions/caption.ts';
import type { Scene } from './scene.ts';
import { nameOf, SceneVocabulary } from './vocabulary.ts';

/** A scene with what is asked about it. */
export interface AskedScene {
  readonly scene: Scene;
  readonly questions: readonly SceneQuestion[];
}

/** How many classes the attributes of regions have: kinds, colours. */
export const SCENE_ATTRIBUTES: readonly number[] = [SCENE_KINDS.length, SCENE_COLOURS.length];

/** Classes of regions: each drawing's concept, then each letter and digit. @param concepts how many drawings are of */
export function sceneClasses(concepts: number): number {
  return concepts + GLYPHS.length;
}

/** What is asked about a crowd: the other kinds rely on kinds of things, on few drawings or on numbers that are drawn evenly. */
const CROWD_KINDS: readonly QuestionKind[] = ['existence', 'grounding', 'region', 'caption'];

/** What {@link SceneSource} takes. */
export interface SceneSourceOptions extends SceneOptions {
  /** Pictures in one pass; every pass makes new ones. */
  readonly length: number;
}

/**
 * Emoji scenes to be trained on: picture `index` of a pass with a conversation for each question. Every pass makes new ones.
 * Drawings whose licence forbids to share weights that were trained on them are refused.
 */
export class SceneSource implements SampleSource {
  readonly length: number;
  readonly options: FullSceneOptions;
  readonly vocabulary: SceneVocabulary;
  readonly #maker: SceneMaker;

  /** @throws DataError for options that make no sense */
  constructor({ length, ...options }: SceneSourceOptions, material: EmojiMaterial) {
    if (!Number.isSafeInteger(length) || length < 1 || length > 2 ** 31)
      throw new DataError(`a pass of ${length} scenes is impossible`, 'give a whole number from 1 to 2147483648');
    this.length = length;
    this.options = fullSceneOptions(options);
    for (const set of this.options.sets) {
      if (set === 'openmoji')
        throw new DataError(
          `drawings of ${set} are for tests alone: their licence does not allow to share what is trained on them`,
          `train on ${TRAINING_SETS.join(', ')}`,
        );
    }
    this.vocabulary = new SceneVocabulary(material.concepts, this.options.without);
    this.#maker = new SceneMaker(this.options, this.vocabulary, material.sprites);
  }

  /** The scene with its questions as records. */
  scene(index: number, moment: SampleMoment): AskedScene {
    return makeAsked(this.#maker, sampleRandom(moment.seed, moment.epoch, index));
  }

  sample(index: number, moment: SampleMoment): Sample {
    const { scene, questions } = this.scene(index, moment);
    const random = sampleRandom(moment.seed, moment.epoch, index).fork('caption');
    const language = random.pick(this.options.languages);
    const style = random.pick(CAPTION_STYLES);
    const name = `scene ${moment.seed}/${moment.epoch}/${index}`;
    return {
      id: name,
      pictures: [{ name, open: () => scene.picture }],
      conversations: questions.map(asConversation),
      regions: [...this.#drawings(scene), ...this.#writing(scene)],
      groups: this.#groups(scene),
      captions: [describeScene(scene, language, style)],
    };
  }

  #drawings({ objects }: Scene): SampleRegion[] {
    const { languages } = this.options;
    return objects.map((object) => {
      const { box, concept, kind, colour } = object;
      return {
        picture: 0,
        box,
        concept: concept.index,
        names: languages.map((language) => nameOf(concept, language)),
        qualities: languages.flatMap((language) => [
          ...(kind === undefined ? [] : [kindName(kind, language)]),
          ...(colour === undefined ? [] : [colourName(colour, language)]),
        ]),
        places: languages.flatMap((language) => placeName(object, language) ?? []),
        attributes: [
          kind === undefined ? -1 : SCENE_KINDS.indexOf(kind),
          colour === undefined ? -1 : SCENE_COLOURS.indexOf(colour),
        ],
      };
    });
  }

  /** What is written, as a whole and letter by letter: each letter is a concept behind those of the drawings. */
  #writing({ word, objects }: Scene): SampleRegion[] {
    if (word === undefined) return [];
    const first = this.vocabulary.concepts.length;
    const letters = word.letters.map((box, i): SampleRegion => {
      const letter = word.text[i]!;
      return { picture: 0, box, concept: first + GLYPHS.indexOf(letter), qualities: [letter] };
    });
    const places = letters.map((_, i) => objects.length + 1 + i);
    return [{ picture: 0, box: word.box, names: [word.text], letters: places }, ...letters];
  }

  /** Drawings by their kinds. Names of one character stand in too many other words. */
  #groups({ objects }: Scene): RegionGroup[] {
    const { languages } = this.options;
    return SCENE_KINDS.map((kind) => ({
      names: languages
        .flatMap((language) => [kindName(kind, language, true), kindName(kind, language)])
        .filter((name) => name.length > 1),
      regions: objects.flatMap((object, i) => (object.kind === kind ? [i] : [])),
    }));
  }
}

/** A scene and its questions; the questions have their own chance, so that the picture does not depend on what is asked. */
export function makeAsked(maker: SceneMaker, random: Random): AskedScene {
  const { questions, kinds, languages } = maker.options;
  const asking = random.fork('questions');
  const scene = maker.make(random);
  const asked = scene.crowd ? Object.fromEntries(CROWD_KINDS.map((kind) => [kind, kinds[kind] ?? 0])) : kinds;
  return { scene, questions: askAbout(scene, questions, asked, languages, asking, maker.vocabulary) };
}
