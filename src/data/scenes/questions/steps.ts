import type { Language } from '../../emoji/concepts.ts';
import { colourName } from '../colours.ts';
import { kindName, type SceneKind } from '../kinds.ts';
import { isBigger, placeName, regionOf } from '../phrases.ts';
import { fillIn, inWords, YES_NO, type Asker, type Asking, type SceneQuestion, type SceneStep } from '../question.ts';
import { areInOrder, DIRECTIONS, directionWords, furthest, furthestWords, liesTowards } from '../relations.ts';
import type { SceneObject } from '../scene.ts';
import { stepsPart } from '../steps.ts';
import { nameOf, theOf } from '../vocabulary.ts';

const WORDINGS = {
  en: {
    furthest: ['Of the {}, which is {}?', 'Look at the {} only. Which one is {}?'],
    towards: ['What kind of thing is {} {}?', 'To which kind belongs what is {} {}?'],
    more: ['Are there more {} than {}?', 'Count the {} and the {}. Are there more of the first?'],
    sum: ['How many {} and {} are there together?', 'Add up the {} and the {}.'],
    colour: ['What is the colour of the {} of the {}?', 'Find the {} of the {} and say its colour.'],
    place: ['In which part of the picture is the {} of the {}?', 'Find the {} of the {} and say where it is.'],
    think: ['Think step by step.', 'Go step by step.', 'Write down the steps.'],
  },
  zh: {
    furthest: ['所有{}中，{}的是哪个？', '只看{}，{}的是什么？'],
    towards: ['{}的{}是哪一类东西？', '{}的{}的东西属于什么类别？'],
    more: ['{}比{}多吗？', '数一数{}和{}，前者更多吗？'],
    sum: ['{}和{}一共有几个？', '把{}和{}的数量加起来是多少？'],
    colour: ['{}的{}是什么颜色？', '找出{}的{}，说出它的颜色。'],
    place: ['{}的{}在图的哪个部分？', '找出{}的{}，说出它的位置。'],
    think: ['请一步一步想。', '一步一步来。', '写出步骤。'],
  },
} as const;

/**
 * A question that takes two or three steps, and an answer that shows them. Steps point at things by their places: a place can be
 * seen in the picture by whoever checks the step, and which animal it was need not be known to tell which is the biggest.
 */
export const askSteps: Asker = (asking) => {
  if (asking.scene.objects.length < 2) return undefined;
  return asking.random.pick(FORMS)(asking);
};

type Form = Exclude<keyof (typeof WORDINGS)['en'], 'think'>;

function conclude(
  { language, random }: Asking,
  form: Form,
  words: readonly string[],
  steps: readonly SceneStep[],
  conclusion: string,
  options?: readonly string[],
): SceneQuestion {
  const asked = fillIn(random.pick<string>(WORDINGS[language][form]), ...words);
  const think = random.pick<string>(WORDINGS[language].think);
  const question = language === 'zh' ? `${asked}${think}` : `${asked} ${think}`;
  const answer = stepsPart(steps, conclusion, language);
  return inWords('steps', form, language, question, answer.text, {
    answer: [answer],
    steps,
    conclusion,
    ...(options === undefined ? {} : { options }),
  });
}

/**
 * A kind with several drawings, all of them beyond doubt and each in a part of the picture of its own. They are clearly apart from left
 * to right too: lists went that way once, and what the suite asks is to stay what it was.
 */
function severalOfKind({
  scene,
  random,
  vocabulary,
}: Asking): readonly [SceneKind, readonly SceneObject[]] | undefined {
  const { kind } = random.pick(scene.objects);
  if (kind === undefined || !vocabulary.isClear(kind, scene.objects)) return undefined;
  const found = scene.objects.filter((object) => object.kind === kind);
  const regions = new Set(found.map(regionOf));
  const isApart = regions.size === found.length && !regions.has(undefined);
  return found.length > 1 && isApart && areInOrder(found) ? [kind, found] : undefined;
}

function step(of: string, finds: string, language: Language): SceneStep {
  return { text: `${of}${language === 'zh' ? '：' : ': '}${finds}`, finds };
}

/** Places row by row, as one reads: which of two at the left is further left cannot be told from what a list says. */
function listStep(kind: SceneKind, objects: readonly SceneObject[], language: Language): SceneStep {
  const byRow = objects.toSorted((a, b) => regionOf(a)! - regionOf(b)!);
  const places = byRow.map((object) => placeName(object, language)).join(language === 'zh' ? '、' : ', ');
  return step(kindName(kind, language, true), places, language);
}

function countStep(kind: SceneKind, count: number, language: Language): SceneStep {
  return step(kindName(kind, language, true), String(count), language);
}

function askFurthest(asking: Asking): ReturnType<Asker> {
  const { language, random } = asking;
  const [kind, found] = severalOfKind(asking) ?? [];
  if (kind === undefined || found === undefined) return undefined;
  const direction = random.pick(DIRECTIONS);
  const object = furthest(direction, found);
  if (object === undefined) return undefined;
  const [name, place] = [nameOf(object.concept, language), placeName(object, language)!];
  const most = furthestWords(direction, language);
  const steps = [listStep(kind, found, language), step(most, place, language), step(place, name, language)];
  return conclude(asking, 'furthest', [kindName(kind, language, true), most], steps, name);
}

function askTowards(asking: Asking): ReturnType<Asker> {
  const { scene, language, random } = asking;
  if (scene.word !== undefined) return undefined;
  const from = random.pick(scene.objects);
  const direction = random.pick(DIRECTIONS);
  const [object, ...more] = liesTowards(direction, from, scene.objects) ?? [];
  if (object?.kind === undefined || more.length > 0) return undefined;
  const [place, kind] = [placeName(object, language), kindName(object.kind, language)];
  if (place === undefined) return undefined;
  const [side, the] = [directionWords(direction, language), theOf(from.concept, language)];
  const where = language === 'zh' ? `${the}的${side}` : `${side} ${the}`;
  const steps = [step(where, place, language), step(place, kind, language)];
  return conclude(asking, 'towards', language === 'zh' ? [the, side] : [side, the], steps, kind);
}

/** Two kinds, of which one at least is there, and how many of each. */
function twoKinds({ scene, random, vocabulary }: Asking): readonly [SceneKind, number, SceneKind, number] | undefined {
  const a = random.pick(scene.objects).kind;
  const b = random.uniform() < 0.8 ? random.pick(scene.objects).kind : vocabulary.drawKind(random);
  if (a === undefined || b === undefined || a === b) return undefined;
  if (!vocabulary.isClear(a, scene.objects) || !vocabulary.isClear(b, scene.objects)) return undefined;
  const count = (kind: SceneKind): number => scene.objects.filter((object) => object.kind === kind).length;
  return random.uniform() < 0.5 ? [a, count(a), b, count(b)] : [b, count(b), a, count(a)];
}

function askMore(asking: Asking): ReturnType<Asker> {
  const { language } = asking;
  const kinds = twoKinds(asking);
  if (kinds === undefined) return undefined;
  const [a, countA, b, countB] = kinds;
  if (countA === countB) return undefined;
  const isMore = countA > countB;
  const sign = isMore ? '>' : '<';
  const steps = [
    countStep(a, countA, language),
    countStep(b, countB, language),
    { text: `${countA} ${sign} ${countB}`, finds: sign },
  ];
  const words = [kindName(a, language, true), kindName(b, language, true)];
  return conclude(asking, 'more', words, steps, YES_NO[language][isMore ? 0 : 1], YES_NO[language]);
}

/** How often questions with common sums are kept, so that all sums come up. */
const KEPT_SUMS: Readonly<Record<number, number>> = { 1: 0.4, 2: 0.12, 3: 0.5 };

function askSum(asking: Asking): ReturnType<Asker> {
  const { language, random } = asking;
  const kinds = twoKinds(asking);
  if (kinds === undefined) return undefined;
  const [a, countA, b, countB] = kinds;
  if (random.uniform() >= (KEPT_SUMS[countA + countB] ?? 1)) return undefined;
  const sum = String(countA + countB);
  const steps = [
    countStep(a, countA, language),
    countStep(b, countB, language),
    { text: `${countA} + ${countB} = ${sum}`, finds: sum },
  ];
  return conclude(asking, 'sum', [kindName(a, language, true), kindName(b, language, true)], steps, sum);
}

const SIZES = { en: ['biggest', 'smallest'], zh: ['最大', '最小'] } as const;

/** The colour or the place of the biggest or the smallest of a kind. */
function askOfSize(asking: Asking): ReturnType<Asker> {
  const { language, random } = asking;
  const [kind, found] = severalOfKind(asking) ?? [];
  if (kind === undefined || found === undefined) return undefined;
  const size = random.integer(2);
  const fits = (a: SceneObject, b: SceneObject): boolean => (size === 0 ? isBigger(a, b) : isBigger(b, a));
  const object = found.find((one) => found.every((other) => other === one || fits(one, other)));
  if (object === undefined) return undefined;
  const place = placeName(object, language)!;
  const sized = SIZES[language][size]!;
  const words = [sized, kindName(kind, language, true)];
  const form = random.pick(['colour', 'place'] as const);
  const steps = [
    listStep(kind, found, language),
    step(language === 'zh' ? `${sized}的` : `the ${sized}`, place, language),
  ];
  if (form === 'place') return conclude(asking, form, words, steps, place);
  if (object.colour === undefined) return undefined;
  const colour = colourName(object.colour, language);
  steps.push(step(place, colour, language));
  return conclude(asking, form, words, steps, colour);
}

/** What few scenes allow is tried more often: counts would be most of what is asked. */
const FORMS: readonly Asker[] = [
  askMore,
  askSum,
  askTowards,
  askTowards,
  askFurthest,
  askFurthest,
  askOfSize,
  askOfSize,
  askOfSize,
  askOfSize,
];
