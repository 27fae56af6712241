/**
 * Kinds of things that a statement may assign a picture to, built on Unicode's subgroups.
 * Subgroups that nobody could tell apart by looking are one category; where membership can be argued about, the subgroup is
 * listed as `unclear` and neither a true nor a false statement is made.
 */
export interface Category {
  readonly en: string;
  readonly zh: string;
  /** Subgroups of which the category is true. */
  readonly of: readonly string[];
  /** Subgroups, or whole groups, about which nothing is claimed. */
  readonly unclear?: readonly string[];
}

const PEOPLE = ['person', 'person-gesture', 'person-role', 'person-activity', 'person-sport', 'person-resting'];
const FACES = [
  'face-smiling', 'face-affection', 'face-tongue', 'face-hand', 'face-neutral-skeptical', 'face-sleepy', 'face-unwell',
  'face-hat', 'face-glasses', 'face-concerned', 'face-negative',
]; // prettier-ignore
const HANDS = ['hand-fingers-open', 'hand-fingers-partial', 'hand-single-finger', 'hand-fingers-closed', 'hands'];
const SIGNS = [
  'transport-sign', 'warning', 'arrow', 'religion', 'zodiac', 'av-symbol', 'gender', 'math', 'punctuation', 'currency',
  'other-symbol', 'keycap', 'alphanum', 'geometric',
]; // prettier-ignore

export const CATEGORIES: readonly Category[] = [
  // Coarse ones.
  { en: 'an animal', zh: '动物', of: ['animal-mammal', 'animal-bird', 'animal-amphibian', 'animal-reptile', 'animal-marine', 'animal-bug', 'cat-face', 'monkey-face'], unclear: ['food-drink', 'person-activity', 'person-sport', 'zodiac', 'face-costume'] },
  { en: 'a plant', zh: '植物', of: ['plant-flower', 'plant-other'], unclear: ['food-fruit', 'food-vegetable', 'place-other', 'event', 'other-symbol'] },
  { en: 'something to eat or drink', zh: '吃的或喝的东西', of: ['food-fruit', 'food-vegetable', 'food-prepared', 'food-asian', 'food-sweet', 'drink'], unclear: ['animals-nature', 'dishware', 'event', 'medical', 'activities'] },
  { en: 'a person', zh: '人', of: PEOPLE, unclear: ['person-fantasy', 'person-symbol', 'family', 'place-other', 'hotel', 'smileys-emotion', 'body-parts', 'symbols', 'activities', 'hand-prop', 'food-sweet'] },
  { en: 'a place or a building', zh: '地方或建筑', of: ['place-geographic', 'place-building', 'place-religious'], unclear: ['place-map', 'place-other', 'sky-weather', 'transport-sign', 'transport-ground', 'transport-water', 'event', 'household', 'other-symbol', 'other-object', 'religion', 'hotel'] },
  { en: 'a vehicle', zh: '交通工具', of: ['transport-air', 'transport-water'], unclear: ['transport-ground', 'transport-sign', 'person-sport', 'person-activity', 'sport', 'place-other', 'sky-weather'] },
  { en: 'a sign or a symbol', zh: '标志或符号', of: SIGNS, unclear: ['heart', 'emotion', 'flags', 'sound', 'music', 'objects', 'activities', 'sky-weather', 'time', 'transport-ground', 'person-symbol'] },
  // Faces, people and bodies.
  { en: 'a face', zh: '一张脸', of: [...FACES, 'cat-face', 'monkey-face'], unclear: ['face-costume', 'people-body', 'animals-nature', 'sky-weather', 'symbols', 'activities'] },
  { en: 'a cat face', zh: '猫脸', of: ['cat-face'], unclear: ['animal-mammal'] },
  { en: 'a heart', zh: '爱心', of: ['heart'], unclear: ['face-affection', 'emotion', 'hands', 'hand-fingers-partial', 'game', 'body-parts', 'cat-face', 'place-building', 'transport-sign'] },
  { en: 'a hand gesture', zh: '手势', of: HANDS, unclear: ['hand-prop', 'face-hand', 'person-gesture', 'body-parts', 'family', 'person-symbol', 'other-object', 'person-role'] },
  { en: 'a part of the body', zh: '身体部位', of: ['body-parts'], unclear: [...HANDS, 'hand-prop', 'person-symbol', 'emotion', 'heart', 'smileys-emotion', 'people-body', 'medical', 'food-prepared'] },
  { en: 'a person making a gesture', zh: '做手势的人', of: ['person-gesture'], unclear: ['person', 'person-role', 'person-activity', 'person-resting', 'person-sport', 'person-fantasy', 'person-symbol', 'hands', 'hand-prop', 'face-hand'] },
  { en: 'a person at work', zh: '有职业的人', of: ['person-role'], unclear: ['person', 'person-gesture', 'person-activity', 'person-symbol', 'person-sport', 'family', 'person-fantasy', 'transport-sign'] },
  { en: 'a fantasy figure', zh: '幻想人物', of: ['person-fantasy'], unclear: ['face-costume', 'person-role', 'face-negative', 'animal-reptile', 'animal-mammal', 'person-activity', 'game', 'event'] },
  { en: 'a person doing sport', zh: '运动的人', of: ['person-sport'], unclear: ['person-activity', 'person-resting', 'person-role', 'activities'] },
  // Animals and plants.
  { en: 'a mammal', zh: '哺乳动物', of: ['animal-mammal'], unclear: ['cat-face', 'monkey-face', 'animal-marine', 'people-body', 'smileys-emotion', 'zodiac'] },
  { en: 'a bird', zh: '鸟类', of: ['animal-bird'], unclear: ['food-prepared', 'emotion', 'event'] },
  { en: 'a reptile', zh: '爬行动物', of: ['animal-reptile'], unclear: ['animal-amphibian', 'medical'] },
  { en: 'a sea animal', zh: '海洋动物', of: ['animal-marine'], unclear: ['animal-mammal', 'animal-reptile', 'animal-bird', 'food-drink', 'zodiac', 'event', 'sport', 'person-fantasy'] },
  { en: 'an insect or another small crawling animal', zh: '虫子', of: ['animal-bug'], unclear: ['animal-reptile', 'animal-amphibian'] },
  { en: 'a flower', zh: '花', of: ['plant-flower'], unclear: ['plant-other', 'event', 'other-symbol'] },
  // Food.
  { en: 'a fruit', zh: '水果', of: ['food-fruit'], unclear: ['food-vegetable', 'plant-other', 'plant-flower', 'drink'] },
  { en: 'a vegetable', zh: '蔬菜', of: ['food-vegetable'], unclear: ['food-fruit', 'plant-other', 'food-prepared', 'event'] },
  { en: 'a cooked meal', zh: '做好的饭菜', of: ['food-prepared'], unclear: ['food-asian', 'food-sweet', 'food-vegetable', 'dishware', 'animal-marine'] },
  { en: 'something sweet', zh: '甜食', of: ['food-sweet'], unclear: ['food-fruit', 'food-prepared', 'food-asian', 'drink', 'event', 'animal-bug'] },
  { en: 'a drink', zh: '饮料', of: ['drink'], unclear: ['dishware', 'food-sweet', 'food-prepared', 'food-asian', 'animals-nature', 'food-fruit', 'transport-sign'] },
  // Travel, weather, time.
  { en: 'a building', zh: '建筑物', of: ['place-building', 'place-religious'], unclear: ['place-geographic', 'place-other', 'event', 'religion', 'transport-sign'] },
  { en: 'the weather or the sky', zh: '天气或天空', of: ['sky-weather'], unclear: ['place-geographic', 'place-other', 'event', 'emotion', 'science', 'clothing', 'zodiac', 'place-map', 'transport-air', 'animal-bug'] },
  { en: 'the time', zh: '时间', of: ['time'], unclear: ['place-building', 'place-other', 'office', 'phone', 'sky-weather'] },
  // Activities and objects.
  { en: 'an award', zh: '奖章', of: ['award-medal'], unclear: ['event', 'plant-flower', 'sport'] },
  { en: 'sports equipment', zh: '运动用品', of: ['sport'], unclear: ['game', 'clothing', 'person-sport', 'award-medal', 'transport-ground', 'transport-water', 'tool', 'person-activity'] },
  { en: 'something to wear', zh: '穿戴的东西', of: ['clothing'], unclear: ['sport', 'person-role', 'face-glasses', 'face-hat', 'event', 'person-sport', 'person', 'other-object', 'medical', 'time', 'sky-weather', 'office'] },
  { en: 'a musical instrument', zh: '乐器', of: ['musical-instrument'], unclear: ['music', 'sound', 'arts-crafts'] },
  { en: 'a computer or a computer part', zh: '电脑或电脑配件', of: ['computer'], unclear: ['phone', 'light-video', 'game', 'sound', 'music', 'av-symbol', 'person-role'] },
  { en: 'something to read or paper', zh: '书或纸', of: ['book-paper'], unclear: ['office', 'writing', 'mail', 'money', 'other-object', 'place-map', 'music', 'event'] },
  { en: 'money', zh: '钱', of: ['money'], unclear: ['currency', 'face-tongue', 'office', 'transport-sign', 'award-medal', 'alphanum'] },
  { en: 'mail', zh: '邮件', of: ['mail'], unclear: ['office', 'heart', 'place-building', 'book-paper', 'other-object'] },
  { en: 'office supplies', zh: '办公用品', of: ['office'], unclear: ['writing', 'book-paper', 'mail', 'computer', 'tool', 'phone', 'household', 'arts-crafts', 'other-object'] },
  { en: 'a tool or a weapon', zh: '工具或武器', of: ['tool'], unclear: ['dishware', 'science', 'writing', 'household', 'arts-crafts', 'office', 'medical', 'lock', 'sport', 'game', 'other-object', 'event', 'computer', 'light-video'] },
  { en: 'something for the household', zh: '家居用品', of: ['household'], unclear: ['tool', 'dishware', 'hotel', 'light-video', 'other-object', 'lock', 'computer', 'phone', 'medical', 'arts-crafts', 'game', 'event', 'clothing', 'office', 'time', 'activities', 'food-drink', 'transport-sign'] },
  // Signs.
  { en: 'a warning or a ban', zh: '警告或禁止', of: ['warning'], unclear: ['transport-sign', 'alphanum', 'other-symbol', 'av-symbol', 'transport-ground', 'punctuation', 'person-gesture', 'geometric'] },
  { en: 'an arrow', zh: '箭头', of: ['arrow'], unclear: ['av-symbol', 'mail', 'heart', 'phone', 'warning', 'other-symbol', 'alphanum', 'hand-single-finger', 'zodiac', 'currency', 'sport', 'activities', 'objects'] },
  { en: 'a religious symbol', zh: '宗教符号', of: ['religion'], unclear: ['other-symbol', 'place-religious', 'other-object', 'zodiac', 'book-paper', 'hands'] },
  { en: 'a sign of the zodiac', zh: '星座', of: ['zodiac'], unclear: ['religion', 'gender', 'animals-nature', 'other-symbol', 'math'] },
  { en: 'a button of a player', zh: '播放器按钮', of: ['av-symbol'], unclear: ['arrow', 'sound', 'music', 'geometric', 'light-video', 'alphanum', 'other-symbol', 'sky-weather', 'phone'] },
  { en: 'a key of a keypad', zh: '按键', of: ['keycap'], unclear: ['alphanum', 'phone', 'av-symbol', 'arrow', 'other-symbol', 'computer'] },
  { en: 'letters or characters', zh: '字母或文字', of: ['alphanum'], unclear: ['keycap', 'arrow', 'transport-sign', 'other-symbol', 'emotion', 'zodiac', 'book-paper', 'event', 'religion', 'computer', 'warning', 'math', 'activities', 'currency'] },
  { en: 'a plain coloured shape', zh: '单色图形', of: ['geometric'], unclear: ['other-symbol', 'game', 'av-symbol', 'math', 'heart', 'sky-weather', 'warning', 'event', 'keycap', 'punctuation', 'transport-sign'] },
  { en: 'a flag', zh: '旗子', of: ['flag'], unclear: ['sport', 'mail', 'game', 'event'] },
]; // prettier-ignore
