import { fillIn, textParts, type Asker } from '../question.ts';
import { phraseFor, type PhraseForm } from '../phrases.ts';

const WORDINGS = {
  en: ['Where exactly is this: {}? Answer with a box.', 'Draw a box around {}.', 'Locate {}.', 'Point to {}.'],
  zh: ['{}具体在哪里？请用方框回答。', '用方框框出{}。', '指出{}的位置。', '请定位{}。'],
} as const;

/** Names twice as often as the other forms. */
const FORMS: readonly PhraseForm[] = ['name', 'name', 'name', 'colour', 'kind', 'size', 'place'];

/** The box of what a phrase speaks of. */
export const askBox: Asker = (asking) => {
  const { scene, language, random } = asking;
  const object = random.pick(scene.objects);
  const phrase = phraseFor(object, random.pick(FORMS), asking) ?? phraseFor(object, 'name', asking)!;
  return {
    kind: 'grounding',
    form: phrase.form,
    language,
    question: textParts(fillIn(random.pick(WORDINGS[language]), phrase.text)),
    answer: [{ type: 'box', box: object.box }],
    text: '',
    phrase: phrase.text,
    box: object.box,
  };
};
