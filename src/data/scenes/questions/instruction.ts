import type { Language } from '../../emoji/concepts.ts';
import { kindName } from '../kinds.ts';
import { inRegion, isBigger, phraseFor, placeName, regionOf } from '../phrases.ts';
import { fillIn, inWords, type Asker, type Asking } from '../question.ts';
import { areInOrder } from '../relations.ts';
import type { SceneObject } from '../scene.ts';
import { nameOf, someOf } from '../vocabulary.ts';

const WORDINGS = {
  en: {
    kind: ['List the {} as JSON.', 'Write the {} as a JSON list, from left to right.'],
    all: ['List everything in the picture as JSON.', 'Write all things as a JSON list, from left to right.'],
    commas: [
      'List all things from left to right, separated by commas.',
      'Name everything from left to right, with commas.',
    ],
    counts: ['Give the number of things of each kind as JSON.', 'Count the things of each kind and answer as JSON.'],
    sizes: ['List all things as JSON, the biggest first.', 'Sort all things by size, the biggest first, as JSON.'],
    place: ['Give name and place of {} as JSON.', 'Answer as JSON with name and place: what is {}?'],
    sentence: ['Say in a sentence what is {}.', 'Answer with a full sentence: what is {}?'],
    choice: ['What is {}? {} Answer with the letter.', 'Choose the letter: what is {}? {}'],
  },
  zh: {
    kind: ['用JSON列出图中的{}。', '把{}从左到右写成JSON列表。'],
    all: ['用JSON列出图中所有的东西。', '把所有东西从左到右写成JSON列表。'],
    commas: ['从左到右列出所有东西，用顿号隔开。', '从左到右说出所有东西，用顿号隔开。'],
    counts: ['用JSON给出每一类东西的数量。', '数一数每一类东西，用JSON回答。'],
    sizes: ['用JSON列出所有东西，最大的在前。', '按大小给所有东西排序，最大的在前，用JSON回答。'],
    place: ['用JSON给出{}的名称和位置。', '用JSON回答名称和位置：{}是什么？'],
    sentence: ['用一句话说出{}是什么。', '用完整的句子回答：{}是什么？'],
    choice: ['{}是什么？{}请用字母回答。', '选择字母：{}是什么？{}'],
  },
} as const;
type Form = keyof (typeof WORDINGS)['en'];

/** Part of the questions after the things of a kind of which there is none. */
const NONE = 0.1;

/** An answer in a form that is asked for. */
export const askInstruction: Asker = (asking) =>
  asking.random.pick([
    listKind,
    listKind,
    listAll,
    withCommas,
    countKinds,
    bySize,
    withPlace,
    inSentence,
    byLetter,
    byLetter,
  ])(asking);

function answer(
  { language, random }: Asking,
  form: Form,
  words: readonly string[],
  text: string,
  objects: readonly SceneObject[] = [],
  options?: readonly string[],
): ReturnType<Asker> {
  const question = fillIn(random.pick<string>(WORDINGS[language][form]), ...words);
  return inWords('instruction', form, language, question, text, {
    names: namesOf(objects, language),
    ...(options === undefined ? {} : { options }),
  });
}

function namesOf(objects: readonly SceneObject[], language: Language): string[] {
  return objects.map(({ concept }) => nameOf(concept, language));
}

function listKind(asking: Asking): ReturnType<Asker> {
  const { scene, language, random, vocabulary } = asking;
  const kind = random.uniform() < NONE ? vocabulary.drawKind(random) : random.pick(scene.objects).kind;
  if (kind === undefined || !vocabulary.isClear(kind, scene.objects)) return undefined;
  const found = scene.objects.filter((object) => object.kind === kind);
  if (!areInOrder(found)) return undefined;
  return answer(asking, 'kind', [kindName(kind, language, true)], JSON.stringify(namesOf(found, language)), found);
}

function listAll(asking: Asking): ReturnType<Asker> {
  const { scene, language } = asking;
  if (scene.word !== undefined || !areInOrder(scene.objects)) return undefined;
  return answer(asking, 'all', [], JSON.stringify(namesOf(scene.objects, language)), scene.objects);
}

function withCommas(asking: Asking): ReturnType<Asker> {
  const { scene, language } = asking;
  if (scene.objects.length < 2 || scene.word !== undefined || !areInOrder(scene.objects)) return undefined;
  const text = namesOf(scene.objects, language).join(language === 'zh' ? '、' : ', ');
  return answer(asking, 'commas', [], text, scene.objects);
}

/** Kinds in the order of their first thing from the left. */
function countKinds(asking: Asking): ReturnType<Asker> {
  const { scene, language, vocabulary } = asking;
  if (scene.word !== undefined || !areInOrder(scene.objects)) return undefined;
  const counts: Record<string, number> = {};
  for (const { kind } of scene.objects) {
    if (kind === undefined || !vocabulary.isClear(kind, scene.objects)) return undefined;
    const name = kindName(kind, language);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return answer(asking, 'counts', [], JSON.stringify(counts));
}

function bySize(asking: Asking): ReturnType<Asker> {
  const { scene, language } = asking;
  if (scene.objects.length < 2 || scene.word !== undefined) return undefined;
  const sorted = scene.objects.toSorted((a, b) => b.area - a.area);
  if (sorted.some((object, i) => i > 0 && !isBigger(sorted[i - 1]!, object))) return undefined;
  return answer(asking, 'sizes', [], JSON.stringify(namesOf(sorted, language)), sorted);
}

function withPlace(asking: Asking): ReturnType<Asker> {
  const { scene, language, random } = asking;
  const object = random.pick(scene.objects);
  const [name, place] = [nameOf(object.concept, language), placeName(object, language)];
  const phrase = phraseFor(object, random.pick(['kind', 'colour', 'size'] as const), asking);
  if (place === undefined || phrase === undefined) return undefined;
  const text = JSON.stringify(language === 'zh' ? { 名称: name, 位置: place } : { name, place });
  return answer(asking, 'place', [phrase.text], text, [object]);
}

function inSentence(asking: Asking): ReturnType<Asker> {
  const { scene, language, random } = asking;
  if (scene.word !== undefined) return undefined;
  const object = random.pick(scene.objects);
  const region = regionOf(object);
  const phrase = phraseFor(object, 'place', asking);
  if (region === undefined || phrase === undefined) return undefined;
  const some = someOf(object.concept, language);
  const text = language === 'zh' ? `${phrase.text}是${some}。` : `You can see ${some} ${inRegion(region, language)}.`;
  return answer(asking, 'sentence', [phrase.text], text, [object]);
}

const LETTERS = ['A', 'B', 'C', 'D'] as const;

/** Four names to choose from: those of other things in the picture first, then of the same kind. */
function byLetter(asking: Asking): ReturnType<Asker> {
  const { scene, language, random, vocabulary } = asking;
  const object = random.pick(scene.objects);
  const phrase = phraseFor(object, random.pick(['place', 'size'] as const), asking);
  if (phrase === undefined || object.kind === undefined || phrase.ofKind) return undefined;
  const wrong = scene.objects.filter((other) => other !== object).map(({ concept }) => concept);
  random.shuffle(wrong).splice(2);
  for (let attempt = 0; attempt < 40 && wrong.length < 3; attempt++) {
    const other = random.pick(vocabulary.membersOf(random.uniform() < 0.5 ? object.kind : vocabulary.drawKind(random)));
    if (vocabulary.isSurelyNot(object.concept, other) && !wrong.includes(other)) wrong.push(other);
  }
  if (wrong.length < 3) return undefined;
  const right = random.integer(4);
  const names = wrong.map((concept) => nameOf(concept, language));
  names.splice(right, 0, nameOf(object.concept, language));
  const list = names.map((name, i) => `${LETTERS[i]!}: ${name}`).join(language === 'zh' ? '，' : ', ');
  const stop = language === 'zh' ? '。' : '.';
  return answer(asking, 'choice', [phrase.text, `${list}${stop}`], LETTERS[right]!, [object], LETTERS);
}
