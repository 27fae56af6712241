import { kindName } from '../kinds.ts';
import { isBigger } from '../phrases.ts';
import { fillIn, inWords, YES_NO, type Asker, type Asking } from '../question.ts';
import { nameOf, theOf } from '../vocabulary.ts';

const WORDINGS = {
  en: {
    bigger: ['Which is bigger, {} or {}?', 'Which one takes more room: {} or {}?'],
    smaller: ['Which is smaller, {} or {}?', 'Which one takes less room: {} or {}?'],
    check: ['Is this true: {} takes more room than {}?', 'Compare {} with {}. Is the first one bigger?'],
    colours: ['Compare {} with {}. Do they have the same colour?', 'Is the colour of {} the same as that of {}?'],
    more: ['Are there more {} than {}?', 'Do you see more {} than {}?'],
  },
  zh: {
    bigger: ['{}和{}哪个更大？', '{}和{}，哪个占的地方更大？'],
    smaller: ['{}和{}哪个更小？', '{}和{}，哪个占的地方更小？'],
    check: ['{}比{}大吗？', '比较{}和{}，前者是不是更大？'],
    colours: ['{}和{}是同一种颜色吗？', '{}的颜色和{}的颜色一样吗？'],
    more: ['{}的数量比{}多吗？', '{}是不是比{}多？'],
  },
} as const;

/** Two drawings by size or colour, or two kinds by number. */
export const askComparison: Asker = (asking) => {
  const { random, scene } = asking;
  if (scene.objects.length < 2) return undefined;
  const chance = random.uniform();
  if (chance < 0.3) return compareKinds(asking);
  return chance < 0.45 ? compareColours(asking) : compareSizes(asking);
};

function compareSizes({ scene, language, random }: Asking): ReturnType<Asker> {
  const [a, b] = random.shuffle([...scene.objects]) as [(typeof scene.objects)[number], (typeof scene.objects)[number]];
  if (!isBigger(a, b) && !isBigger(b, a)) return undefined;
  const words = [theOf(a.concept, language), theOf(b.concept, language)];
  const names = [nameOf(a.concept, language), nameOf(b.concept, language)];
  if (random.uniform() < 0.4) {
    const question = fillIn(random.pick<string>(WORDINGS[language].check), ...words);
    const answer = YES_NO[language][isBigger(a, b) ? 0 : 1];
    return inWords('comparison', 'check', language, question, answer, { options: YES_NO[language] });
  }
  const form = random.pick(['bigger', 'smaller'] as const);
  const isFirst = isBigger(a, b) === (form === 'bigger');
  const question = fillIn(random.pick<string>(WORDINGS[language][form]), ...words);
  const name = names[isFirst ? 0 : 1]!;
  return inWords('comparison', form, language, question, name, { options: names, names: [name] });
}

function compareColours({ scene, language, random }: Asking): ReturnType<Asker> {
  const coloured = random.shuffle(scene.objects.filter(({ colour }) => colour !== undefined));
  const pairs = coloured.flatMap((a, i) => coloured.slice(i + 1).map((b) => [a, b] as const));
  const [same, different] = [true, false].map((wanted) => pairs.find(([a, b]) => (a.colour === b.colour) === wanted));
  // Only where both answers could be asked for: otherwise the rarer one would be rarer among the answers too.
  if (same === undefined || different === undefined) return undefined;
  const isSame = random.uniform() < 0.5;
  const words = (isSame ? same : different).map(({ concept }) => theOf(concept, language));
  const question = fillIn(random.pick<string>(WORDINGS[language].colours), ...words);
  return inWords('comparison', 'colours', language, question, YES_NO[language][isSame ? 0 : 1], {
    options: YES_NO[language],
  });
}

function compareKinds({ scene, language, random, vocabulary }: Asking): ReturnType<Asker> {
  const kinds = [...new Set(scene.objects.map(({ kind }) => kind))];
  const [a, b] = random.shuffle(kinds);
  if (a === undefined || b === undefined) return undefined;
  if (!vocabulary.isClear(a, scene.objects) || !vocabulary.isClear(b, scene.objects)) return undefined;
  const [many, few] = [a, b].map((kind) => scene.objects.filter((object) => object.kind === kind).length) as [
    number,
    number,
  ];
  if (many === few) return undefined;
  const words = [kindName(a, language, true), kindName(b, language, true)];
  const question = fillIn(random.pick<string>(WORDINGS[language].more), ...words);
  return inWords('comparison', 'more', language, question, YES_NO[language][many > few ? 0 : 1], {
    options: YES_NO[language],
  });
}
