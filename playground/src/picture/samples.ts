/** Drawings that come with the page (see `scripts/playground-samples.mjs`), and what may be asked about each. */
import type { Language } from '../language/language.ts';

export interface Sample {
  readonly id: string;
  readonly address: string;
  readonly name: Readonly<Record<Language, string>>;
  readonly questions: Readonly<Record<Language, readonly string[]>>;
  readonly point: Readonly<Record<Language, string>>;
}

const sample = (
  id: string,
  name: Sample['name'],
  point: Sample['point'],
  en: readonly string[],
  zh: readonly string[],
): Sample => ({ id, address: `./samples/${id}.svg`, name, point, questions: { en, zh } });

export const SAMPLES: readonly Sample[] = [
  sample(
    'pets',
    { en: 'pets', zh: '宠物' },
    { en: 'the dog', zh: '狗' },
    ['Describe the picture.', 'Which is bigger, the cat or the soccer ball?', 'Where do you see the dog?'],
    ['描述这张图片。', '猫和足球哪个更大？', '狗在哪里？'],
  ),
  sample(
    'fruit',
    { en: 'fruit', zh: '水果' },
    { en: 'the banana', zh: '香蕉' },
    ['Describe the picture with colours.', 'How many things are there?', 'What is the colour of the lemon?'],
    ['描述这张图片，说明颜色。', '图中有几个东西？', '柠檬是什么颜色的？'],
  ),
  sample(
    'street',
    { en: 'street', zh: '街道' },
    { en: 'the bus', zh: '公交车' },
    ['Describe what is where in the picture.', 'What is right of the bus?', 'Draw a box around the stop sign.'],
    ['描述图中什么东西在什么位置。', '公交车的右边是什么？', '用方框框出停车标志。'],
  ),
  sample(
    'table',
    { en: 'tea', zh: '茶' },
    { en: 'the books', zh: '书' },
    ['What is in the picture?', 'How many things are there? Think step by step.', 'Do you see a cat?'],
    ['图片里有什么？', '图中有几个东西？请一步一步想。', '图中有猫吗？'],
  ),
  sample(
    'garden',
    { en: 'garden', zh: '花园' },
    { en: 'the rabbit', zh: '兔子' },
    ['Describe the picture.', 'What is the colour of the sunflower?', 'Which thing is at the bottom?'],
    ['描述这张图片。', '向日葵是什么颜色的？', '图中有几个东西？'],
  ),
];

/** Questions about pictures of which nothing is known. */
export const QUESTIONS: Readonly<Record<Language, readonly string[]>> = {
  en: ['Describe the picture.', 'How many things are there?', 'What is in the middle?'],
  zh: ['描述这张图片。', '图中有几个东西？', '中间是什么？'],
};
