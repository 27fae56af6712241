import { APART, phraseFor, regionNames, regionOf } from '../phrases.ts';
import { fillIn, inWords, YES_NO, type Asker, type Asking } from '../question.ts';
import {
  type Direction,
  DIRECTIONS,
  directionWords,
  distanceTowards,
  furtherWords,
  furthest,
  furthestWords,
  liesTowards,
} from '../relations.ts';
import type { SceneObject } from '../scene.ts';
import { nameOf, theOf } from '../vocabulary.ts';

const WORDINGS = {
  en: {
    check: ['Does {} lie {} {}?', 'Do you see {} {} {}?'],
    two: ['Which one is {}, {} or {}?', 'Which one lies {}: {} or {}?'],
    towards: ['What is {} {}?', 'Which thing lies {} {}?', 'Name what is {} {}.'],
    where: [
      'Where do you see {}?',
      'In which part of the picture can you see {}?',
      'Say in which part of the picture you see {}.',
    ],
    at: ['What is {}?', 'Name {}.', 'Say what this is: {}.'],
    furthest: ['Which thing is {}?', 'What is {}?', 'Name what is {}.'],
  },
  zh: {
    check: ['{}在{}的{}吗？', '{}是不是在{}的{}？'],
    two: ['{}和{}哪个更{}？', '{}和{}，哪个的位置更{}？'],
    towards: ['{}的{}是什么？', '在{}的{}有什么？', '说出{}的{}有什么。'],
    where: ['{}在哪里？', '{}在图的哪个部分？', '说出{}在图中的位置。'],
    at: ['{}是什么？', '说出{}。', '{}叫什么？'],
    furthest: ['{}的是什么？', '什么东西在{}？', '说出{}的东西。'],
  },
} as const;

/** Where something is, or what is somewhere. */
export const askPosition: Asker = (asking) => {
  const chance = asking.random.uniform();
  if (chance < 0.3) return askCheck(asking);
  if (chance < 0.45) return askOfTwo(asking);
  if (chance < 0.8) return askWhere(asking);
  if (chance < 0.87) return askTowards(asking);
  return chance < 0.94 ? askAt(asking) : askFurthest(asking);
};

interface TwoApart {
  readonly a: SceneObject;
  readonly b: SceneObject;
  readonly direction: Direction;
  /** Whether `a` lies in that direction from `b`, and not the other way. */
  readonly isTowards: boolean;
}

/** Any two drawings that lie clearly apart in a direction, or nothing where those that were drawn do not. */
function twoApart({ scene, random }: Asking): TwoApart | undefined {
  if (scene.objects.length < 2) return undefined;
  const [a, b] = random.shuffle([...scene.objects]) as [SceneObject, SceneObject];
  const direction = random.pick(DIRECTIONS);
  const distance = distanceTowards(direction, a, b);
  return Math.abs(distance) < APART ? undefined : { a, b, direction, isTowards: distance > 0 };
}

function askCheck(asking: Asking): ReturnType<Asker> {
  const two = twoApart(asking);
  if (two === undefined) return undefined;
  const { language, random } = asking;
  const [first, second] = [theOf(two.a.concept, language), theOf(two.b.concept, language)];
  const words = directionWords(two.direction, language);
  const order = language === 'zh' ? [first, second, words] : [first, words, second];
  const question = fillIn(random.pick<string>(WORDINGS[language].check), ...order);
  return inWords('position', 'check', language, question, YES_NO[language][two.isTowards ? 0 : 1], {
    options: YES_NO[language],
  });
}

function askOfTwo(asking: Asking): ReturnType<Asker> {
  const two = twoApart(asking);
  if (two === undefined) return undefined;
  const { language, random } = asking;
  const [first, second] = [theOf(two.a.concept, language), theOf(two.b.concept, language)];
  const words = furtherWords(two.direction, language);
  const order = language === 'zh' ? [first, second, words] : [words, first, second];
  const names = [nameOf(two.a.concept, language), nameOf(two.b.concept, language)];
  const name = names[two.isTowards ? 0 : 1]!;
  const question = fillIn(random.pick<string>(WORDINGS[language].two), ...order);
  return inWords('position', 'two', language, question, name, { options: names, names: [name] });
}

function askTowards({ scene, language, random }: Asking): ReturnType<Asker> {
  if (scene.word !== undefined) return undefined;
  const object = random.pick(scene.objects);
  const direction = random.pick(DIRECTIONS);
  const found = liesTowards(direction, object, scene.objects);
  if (found?.length !== 1) return undefined;
  const words = [directionWords(direction, language), theOf(object.concept, language)];
  if (language === 'zh') words.reverse();
  const name = nameOf(found[0]!.concept, language);
  const question = fillIn(random.pick<string>(WORDINGS[language].towards), ...words);
  return inWords('position', 'towards', language, question, name, { names: [name] });
}

function askWhere({ scene, language, random }: Asking): ReturnType<Asker> {
  // The region first: all of them are asked for alike.
  const region = random.integer(9);
  const there = scene.objects.filter((object) => regionOf(object) === region);
  if (there.length === 0) return undefined;
  const question = fillIn(random.pick<string>(WORDINGS[language].where), theOf(random.pick(there).concept, language));
  const names = regionNames(language);
  return inWords('position', 'where', language, question, names[region]!, { options: names });
}

function askAt(asking: Asking): ReturnType<Asker> {
  const { scene, language, random } = asking;
  if (scene.word !== undefined) return undefined;
  const object = random.pick(scene.objects);
  const phrase = phraseFor(object, 'place', asking);
  if (phrase === undefined) return undefined;
  const name = nameOf(object.concept, language);
  const question = fillIn(random.pick<string>(WORDINGS[language].at), phrase.text);
  return inWords('position', 'at', language, question, name, { names: [name] });
}

function askFurthest({ scene, language, random }: Asking): ReturnType<Asker> {
  if (scene.objects.length < 2 || scene.word !== undefined) return undefined;
  const direction = random.pick(DIRECTIONS);
  const object = furthest(direction, scene.objects);
  if (object === undefined) return undefined;
  const name = nameOf(object.concept, language);
  const question = fillIn(random.pick<string>(WORDINGS[language].furthest), furthestWords(direction, language));
  return inWords('position', 'furthest', language, question, name, { names: [name] });
}
