import type { SamplePart } from '../../samples.ts';
import { textParts, type Asker } from '../question.ts';
import { nameOf } from '../vocabulary.ts';

/** What comes before and after the box. */
const WORDINGS = {
  en: [
    ['What is in ', '?'],
    ['Name what is in the box ', '.'],
    ['What does the region ', ' show?'],
  ],
  zh: [
    ['', '里是什么？'],
    ['方框', '里画的是什么？'],
    ['说出区域', '里的东西。'],
  ],
} as const;

/** The name of what is in a box. */
export const askRegion: Asker = ({ scene, language, random }) => {
  const object = random.pick(scene.objects);
  const [before, after] = random.pick<readonly [string, string]>(WORDINGS[language]);
  const name = nameOf(object.concept, language);
  const question: SamplePart[] = [
    { type: 'box', box: object.box },
    { type: 'text', text: after },
  ];
  if (before !== '') question.unshift({ type: 'text', text: before });
  const { box } = object;
  return { kind: 'region', form: 'name', language, question, answer: textParts(name), text: name, box, names: [name] };
};
