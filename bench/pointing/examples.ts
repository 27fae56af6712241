/** Tokens that speak of one drawing in a scene, with the box that the map of these tokens should point at. */
import {
  colourName,
  describeScene,
  type DrawingSet,
  type EmojiMaterial,
  fullSceneOptions,
  type Language,
  LANGUAGES,
  nameOf,
  type Picture,
  type RelativeBox,
  sampleRandom,
  type Scene,
  type SceneObject,
  SceneVocabulary,
  someOf,
  theOf,
  WITHHELD_CONCEPTS,
} from '../../src/data/index.ts';
import { SceneMaker } from '../../src/data/scenes/maker.ts';
import { suiteSceneOptions } from '../../src/eval/index.ts';

/** What is asked: a name within a caption that is given, a colour that is given, or a box that the model finds by itself. */
export type Form = 'name' | 'colour' | 'box';
export const FORMS: readonly Form[] = ['name', 'colour', 'box'];

/** Boxes of at most this part of the picture's area are pointed at. */
const LARGEST = 0.15;

/** One question about one drawing. */
export interface Example {
  readonly form: Form;
  readonly language: Language;
  readonly picture: Picture;
  readonly question: string;
  /** Given answer; absent where the model answers by itself. */
  readonly answer: string | undefined;
  /** What of the answer speaks of the drawing; absent for boxes, whose first token is chosen when the drawing has been found. */
  readonly part: string | undefined;
  readonly box: RelativeBox;
}

/** Scenes of a stream of their own, so that no other measurement has them. @param seed tells splits apart */
export function* examples(
  material: EmojiMaterial,
  sets: readonly DrawingSet[],
  seed: number,
): Generator<Example, void, void> {
  const vocabulary = new SceneVocabulary(material.concepts, WITHHELD_CONCEPTS);
  const maker = new SceneMaker(fullSceneOptions(suiteSceneOptions({ sets })), vocabulary, material.sprites);
  for (let i = 0; ; i++) {
    const random = sampleRandom(seed, 0, i).fork('pointing');
    const scene = maker.make(random);
    const language = LANGUAGES[i % LANGUAGES.length]!;
    // Names that lie in each other would be found twice.
    const named = scene.objects.filter(
      (object) =>
        object.area <= LARGEST &&
        scene.objects.every((other) => other === object || !overlaps(object, other, language)),
    );
    if (named.length === 0) continue;
    const form = FORMS[i % FORMS.length]!;
    const object = random.pick(named);
    const example = exampleOf(form, language, scene, object);
    if (example !== undefined) yield example;
  }
}

function overlaps(a: SceneObject, b: SceneObject, language: Language): boolean {
  const [one, other] = [nameOf(a.concept, language), nameOf(b.concept, language)];
  return one.includes(other) || other.includes(one);
}

function exampleOf(form: Form, language: Language, scene: Scene, object: SceneObject): Example | undefined {
  const { picture } = scene;
  const the = theOf(object.concept, language);
  const common = { form, language, picture, box: object.box };
  switch (form) {
    case 'name': {
      const question = language === 'zh' ? '描述这张图片。' : 'Describe the picture.';
      const part = someOf(object.concept, language).replace(/^(an?|the) /i, '');
      return { ...common, question, answer: describeScene(scene, language), part };
    }
    case 'colour': {
      if (object.colour === undefined) return undefined;
      const question = language === 'zh' ? `${the}是什么颜色的？` : `What is the colour of ${the}?`;
      const answer = colourName(object.colour, language);
      return { ...common, question, answer, part: answer };
    }
    case 'box': {
      const question = language === 'zh' ? `用方框框出${the}。` : `Draw a box around ${the}.`;
      return { ...common, question, answer: undefined, part: undefined };
    }
  }
}

/** Which tokens of an answer reach into a part of it; the first without one. @param texts what each token adds */
export function tokensOf(texts: readonly string[], part: string | undefined): number[] {
  const all = [...texts.keys()];
  if (part === undefined) return all.slice(0, 1);
  const from = texts.join('').indexOf(part);
  if (from < 0) return [];
  let end = 0;
  return all.filter((k) => {
    const start = end;
    end += texts[k]!.length;
    return end > from && start < from + part.length;
  });
}
