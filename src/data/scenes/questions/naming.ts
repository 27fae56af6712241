import { inWords, type Asker } from '../question.ts';
import { nameOf } from '../vocabulary.ts';

const WORDINGS = {
  en: ['What is this?', 'What does the picture show?', 'Name this.', 'What do you see?'],
  zh: ['这是什么？', '图中是什么？', '这个叫什么？', '你看到了什么？'],
} as const;

/** The name of a drawing that is alone. */
export const askName: Asker = ({ scene, language, random }) => {
  const [object] = scene.objects;
  if (object === undefined || scene.objects.length !== 1 || scene.word !== undefined) return undefined;
  const name = nameOf(object.concept, language);
  return inWords('naming', 'name', language, random.pick(WORDINGS[language]), name, { names: [name] });
};
