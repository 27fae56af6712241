import { kindName } from '../kinds.ts';
import { phraseFor, type PhraseForm } from '../phrases.ts';
import { fillIn, inWords, type Asker } from '../question.ts';
import { nameOf } from '../vocabulary.ts';

const WORDINGS = {
  en: {
    of: ['What kind of thing is {}?', 'To which kind of things does {} belong?', 'Say what kind of thing this is: {}.'],
    which: ['Which {} is there?', 'Which {} do you see?', 'Name the {}.'],
  },
  zh: {
    of: ['{}是哪一类？', '{}属于什么类别？', '说出{}的类别。'],
    which: ['图中的{}是什么？', '你看到的{}是哪一种？', '说出图中{}的名称。'],
  },
} as const;

/** Part of the questions that are answered by a name, not by a kind. */
const WHICH = 0.15;
const FORMS: readonly PhraseForm[] = ['place', 'place', 'size'];

/** The kind of what is somewhere, or what is there of a kind. Never the kind of what is named: that needs no picture. */
export const askKind: Asker = (asking) => {
  const { scene, language, random, vocabulary } = asking;
  const object = random.pick(scene.objects);
  const { kind, concept } = object;
  if (kind === undefined) return undefined;
  if (random.uniform() < WHICH) {
    const isOne = scene.objects.every((other) => other === object || other.kind !== kind);
    if (!isOne || !vocabulary.isClear(kind, scene.objects)) return undefined;
    const name = nameOf(concept, language);
    const question = fillIn(random.pick<string>(WORDINGS[language].which), kindName(kind, language));
    return inWords('kind', 'which', language, question, name, { names: [name] });
  }
  const phrase = phraseFor(object, random.pick(FORMS), asking);
  // "The biggest animal" says its kind.
  if (phrase === undefined || phrase.ofKind) return undefined;
  const question = fillIn(random.pick<string>(WORDINGS[language].of), phrase.text);
  return inWords('kind', phrase.form, language, question, kindName(kind, language));
};
