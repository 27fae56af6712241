import { kindName } from '../kinds.ts';
import { fillIn, inWords, type Asker } from '../question.ts';

const WORDINGS = {
  en: {
    all: ['How many things are there?', 'How many drawings does the picture show?', 'Count the drawings.'],
    kind: ['How many {} are there?', 'Count the {}.', 'How many {} do you see?'],
  },
  zh: {
    all: ['图中有几样东西？', '图里一共画了多少样东西？', '数一数图中的东西。'],
    kind: ['图中{}有几个？', '数一数图中的{}。', '你看到的{}有几个？'],
  },
} as const;

/** Part of the questions about a kind to which the answer is 0, as large as that of each other number. */
const NONE = 1 / 7;

/**
 * How many drawings there are, or how many of a kind. Only of kinds whose number was drawn evenly, as otherwise one would be right
 * to say "1" without looking.
 */
export const askCount: Asker = ({ scene, language, random, vocabulary }) => {
  const { objects, focus } = scene;
  if (scene.single) return undefined;
  if (random.uniform() < 0.4) {
    if (scene.word !== undefined) return undefined;
    return inWords('count', 'all', language, random.pick(WORDINGS[language].all), String(objects.length));
  }
  if (focus === undefined) return undefined;
  const kind = random.uniform() < NONE ? vocabulary.drawKind(random) : focus;
  const count = objects.filter((object) => object.kind === kind).length;
  if ((kind !== focus && count > 0) || !vocabulary.isClear(kind, objects)) return undefined;
  const question = fillIn(random.pick<string>(WORDINGS[language].kind), kindName(kind, language, true));
  return inWords('count', count === 0 ? 'none' : 'kind', language, question, String(count));
};
