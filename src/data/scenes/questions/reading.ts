import { inWords, type Asker } from '../question.ts';
import { isNumber } from '../words.ts';

const WORDINGS = {
  en: ['What is written here?', 'Read what is written.', 'What does the writing say?'],
  zh: ['图中写着什么？', '读出图中写的内容。', '上面写的是什么？'],
} as const;

/** What is written, in capital letters as it stands there: a tokenizer takes them one by one, so that no word has to be known. */
export const askReading: Asker = ({ scene, language, random }) => {
  if (scene.word === undefined) return undefined;
  const { text } = scene.word;
  const form = isNumber(text) ? 'number' : 'word';
  return inWords('reading', form, language, random.pick(WORDINGS[language]), text);
};
