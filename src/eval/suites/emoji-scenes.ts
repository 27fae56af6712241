import { DataError, type Random } from '../../core/index.ts';
import { isDrawn } from '../../data/emoji/sprites.ts';
import {
  askOne,
  type Concept,
  describeScene,
  type DrawingSet,
  type EmojiMaterial,
  fullSceneOptions,
  type Language,
  LANGUAGES,
  nounPhrase,
  readSteps,
  type QuestionKind,
  sampleRandom,
  type Scene,
  type SceneOptions,
  type SceneQuestion,
  SceneVocabulary,
  textOf,
  VQA_KINDS,
  WITHHELD_CONCEPTS,
} from '../../data/index.ts';
import { SceneMaker } from '../../data/scenes/maker.ts';
import { Lexicon } from './mentions.ts';
import type {
  PictureSuite,
  SuiteCaption,
  SuiteItem,
  SuiteName,
  SuitePair,
  SuitePhrase,
  SuiteQuestion,
  SuiteSteps,
} from './picture-suite.ts';

/** Which scenes are asked about. */
export interface EmojiScenesOptions {
  /** Sets of drawings, as the material has them. */
  readonly sets: readonly DrawingSet[];
  /** Questions of the kinds that are right or wrong; 5,000 unless told, five about each scene. */
  readonly count?: number;
  /** 0 unless told. */
  readonly seed?: number;
  /** Names are asked of that many concepts; of all unless told. */
  readonly names?: number;
  readonly size?: number;
  readonly renderSize?: number;
  readonly cacheFolder?: string;
}

const PER_SCENE = 5;
const MAX_COUNT = 50_000;
/** Sets the scenes of this suite apart from those of training, whatever their seed. */
const STREAM = 'evaluation';

/** What the scenes of the suite are like: 2 to 6 drawings of 15 to 40 % of the side each, as their studio drew them. */
export function suiteSceneOptions(options: EmojiScenesOptions): SceneOptions {
  const { sets, size, renderSize, cacheFolder } = options;
  return {
    sets,
    objects: [2, 6],
    side: [0.15, 0.4],
    fewAreBigger: false,
    singles: 0,
    mixed: 0,
    vary: false,
    ...(size === undefined ? {} : { size }),
    ...(renderSize === undefined ? {} : { renderSize }),
    ...(cacheFolder === undefined ? {} : { cacheFolder }),
  };
}

/**
 * The suite of emoji scenes: the same seed gives the same pictures and questions. Kinds and languages are asked about equally
 * often, as far as the scenes allow it.
 * @param material drawings of the sets, rendered as {@link suiteSceneOptions} says
 * @throws DataError for options that make no sense
 */
export function emojiScenesSuite(material: EmojiMaterial, options: EmojiScenesOptions): PictureSuite {
  const { count = 5000, seed = 0, names } = options;
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT)
    throw new DataError(`${count} questions about scenes`, `give a whole number from 1 to ${MAX_COUNT}`);
  const vocabulary = new SceneVocabulary(material.concepts, WITHHELD_CONCEPTS);
  const maker = new SceneMaker(fullSceneOptions(suiteSceneOptions(options)), vocabulary, material.sprites);
  const builder = new Builder(maker);
  for (let i = 0; builder.questions.length < count; i++) {
    if (i > 2 * count) throw new DataError('scenes allow no questions', 'check the sets of drawings');
    builder.add(i, sampleRandom(seed, 0, i).fork(STREAM), Math.min(PER_SCENE, count - builder.questions.length));
  }
  const { questions, phrases, steps, captions, pairs } = builder;
  return {
    name: 'emoji-scenes',
    questions,
    phrases,
    names: namesOf(maker, material, seed, names),
    steps,
    splitSteps,
    captions,
    namedIn: Object.fromEntries(LANGUAGES.map((language) => [language, namedIn(material.concepts, language)])),
    pairs,
  };
}

/** Steps and conclusion; nothing where they are not written as they were taught. */
function splitSteps(answer: string): readonly string[] {
  const found = readSteps(answer);
  return found === undefined ? [] : [...found.steps, found.conclusion];
}

/** Questions about one scene after another, of the kinds that were asked least so far. */
class Builder {
  readonly questions: SuiteQuestion[] = [];
  readonly phrases: SuitePhrase[] = [];
  readonly steps: SuiteSteps[] = [];
  readonly captions: SuiteCaption[] = [];
  readonly pairs: SuitePair[] = [];
  readonly #maker: SceneMaker;
  readonly #asked = new Map<string, number>();

  constructor(maker: SceneMaker) {
    this.#maker = maker;
  }

  add(index: number, random: Random, most: number): void {
    const asking = random.fork('questions');
    const scene = this.#maker.make(random);
    const id = `scene-${index}`;
    const picture = { name: id, open: () => scene.picture };
    const ask = (kind: QuestionKind, language: Language): SceneQuestion | undefined =>
      askOne(kind, scene, language, asking, this.#maker.vocabulary);
    const itemOf = ({ language, question }: SceneQuestion, part: string): SuiteItem => ({
      id: `${id}-${part}`,
      picture,
      language,
      question: textOf(question),
    });

    const texts = new Set<string>();
    for (const [kind, language] of this.#leastAsked()) {
      if (texts.size === most) break;
      const question = ask(kind, language);
      if (question === undefined || texts.has(textOf(question.question))) continue;
      texts.add(textOf(question.question));
      this.#count(kind, language);
      this.questions.push({ ...itemOf(question, `${kind}-${language}`), kind, answers: [question.text] });
    }
    if (texts.size === 0) return;

    const language = LANGUAGES[index % LANGUAGES.length]!;
    const box = ask('grounding', language);
    if (box?.box !== undefined && box.phrase !== undefined)
      this.phrases.push({ ...itemOf(box, 'box'), phrase: box.phrase, boxes: [box.box] });
    // Many scenes allow steps of some forms only, and which form is asked for is drawn.
    const steps = ask('steps', language) ?? ask('steps', language) ?? ask('steps', language);
    if (steps?.steps !== undefined && steps.conclusion !== undefined)
      this.steps.push({ ...itemOf(steps, 'steps'), parts: [...steps.steps.map(({ text }) => text), steps.conclusion] });
    const caption = ask('caption', language);
    if (caption !== undefined)
      this.captions.push({ ...itemOf(caption, 'caption'), shown: hexcodes(scene), text: caption.text });
    for (const each of LANGUAGES)
      this.pairs.push({ id: `${id}-${each}`, picture, language: each, text: describeScene(scene, each) });
  }

  /** Kinds and languages, those that were asked least first, in an order that is the same each time. */
  #leastAsked(): [QuestionKind, Language][] {
    const all = LANGUAGES.flatMap((language) => VQA_KINDS.map((kind): [QuestionKind, Language] => [kind, language]));
    return all.sort(([a, x], [b, y]) => this.#countOf(a, x) - this.#countOf(b, y));
  }

  #countOf(kind: QuestionKind, language: Language): number {
    return this.#asked.get(`${kind} ${language}`) ?? 0;
  }

  #count(kind: QuestionKind, language: Language): void {
    this.#asked.set(`${kind} ${language}`, this.#countOf(kind, language) + 1);
  }
}

function hexcodes({ objects }: Scene): string[] {
  return objects.map(({ concept }) => concept.hexcode);
}

/** Every concept by itself, with its name asked in both languages. */
function namesOf(
  maker: SceneMaker,
  { concepts, sprites }: EmojiMaterial,
  seed: number,
  most = concepts.length,
): SuiteName[] {
  const drawn = concepts.filter(
    (concept) => maker.vocabulary.isUsed(concept) && sprites.some((set) => isDrawn(set, concept.index)),
  );
  const chosen = sampleRandom(seed, 1, 0)
    .fork(STREAM)
    .shuffle([...drawn])
    .slice(0, most);
  return chosen
    .sort((a, b) => a.index - b.index)
    .flatMap((concept) => {
      const random = sampleRandom(seed, 1, concept.index + 1).fork(STREAM);
      const asking = random.fork('questions');
      const scene = maker.make(random, concept);
      const picture = { name: `name-${concept.hexcode}`, open: () => scene.picture };
      return LANGUAGES.flatMap((language): SuiteName[] => {
        const question = askOne('naming', scene, language, asking, maker.vocabulary);
        if (question === undefined) return [];
        const id = `name-${concept.hexcode}-${language}`;
        return [{ id, picture, language, question: textOf(question.question), name: question.text }];
      });
    });
}

/** Words and numbers that a caption says are written in the picture: they name nothing. */
const WRITTEN = /\b(?:word|number) "[^"]*"|“[^”]*”/g;

/**
 * What a caption names, by code points of the concepts: canonical names as they are, as sentences have them ("a man with a
 * beard" for "man: beard"), and in the plural. Synonyms do not count.
 */
export function namedIn(concepts: readonly Concept[], language: Language): (caption: string) => readonly string[] {
  const lexicon = new Lexicon(
    language,
    concepts.map(({ hexcode, wording }) => {
      const { name } = wording[language];
      const said = language === 'en' ? nounPhrase(name).replace(/^an? /, '') : name;
      return { key: hexcode, names: [...new Set([name, said])] };
    }),
  );
  return (caption) => lexicon.find(caption.replaceAll(WRITTEN, '|'));
}
