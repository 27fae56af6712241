import type { Language } from './concepts.ts';

/** What a statement speaks of: the emoji's name, one of its tags, or the category that it belongs to. */
export const STATEMENT_KINDS = ['name', 'tag', 'category'] as const;
export type StatementKind = (typeof STATEMENT_KINDS)[number];

/** `{}` is replaced by the noun with its article (English names and categories) or by the bare word. */
export const TEMPLATES: Readonly<Record<Language, Readonly<Record<StatementKind, readonly string[]>>>> = {
  en: {
    name: ['this is {}', 'the picture shows {}', 'here you can see {}', 'an emoji of {}', 'it is {}'],
    tag: ['this has to do with "{}"', 'the picture is about "{}"', 'a good tag for this is "{}"'],
    category: ['this is {}', 'the picture belongs to the kind: {}', 'what you see is {}'],
  },
  zh: {
    name: ['这是{}', '图中是{}', '这张图片画的是{}', '图片里有{}', '这个表情是{}'],
    tag: ['这与“{}”有关', '这张图片的主题是“{}”', '适合的标签是“{}”'],
    category: ['这属于{}', '图中的类别是{}', '这张图片画的是{}这一类'],
  },
};

/** Fills a template. */
export function fill(template: string, words: string): string {
  return template.replace('{}', () => words);
}

/** Names that take no article: masses, weather, writing. */
const NO_ARTICLE =
  /^((the|a|an|my|OK)\b.*|.* rice|rock|wood|bread|sushi|sake|tofu|fog|foggy|fire|yarn|thread|bacon|honey|butter|salt|sunset|sunrise|horse racing|poultry leg|potable water|ice|oil|money|dna|om|litter in bin sign|ginger root|broccoli|garlic|maple syrup|skis|ZZZ)$/i;
const SINGULAR_HEAD =
  /^(man|woman|person|mage|Japanese post office|abacus|cactus|octopus|walrus|virus|bus|compass|canvas|trolleybus|minibus|hibiscus|lotus|rhinoceros|hippopotamus|asparagus|lens|dress|glass|chess|cross|mattress|princess)\b/;

/** An English emoji name as a noun phrase: `red apple` → `a red apple`, `man: beard` → `a man with a beard`. */
export function nounPhrase(name: string): string {
  const plain = name
    .replace(/: bald$/, ' with a bald head')
    .replace(/: beard$/, ' with a beard')
    .replace(/: (\w+ hair)$/, ' with $1')
    .replace(/: facing right$/, ', facing right')
    .replace(/^keycap: /, 'keycap ');
  const head = plain.split(/ (?:with|of|on|in|over|showing|without|from)\b|,/)[0]!;
  const plural =
    /(?:[^su'i]s|women|men|people|teeth|feet)$/.test(head) &&
    !SINGULAR_HEAD.test(head) &&
    !/(?:glass|bus|gas|lens)$/.test(head);
  const proper = /^[A-Z][a-z]/.test(plain) && !/^(Christmas|Japanese|Tokyo)/.test(plain);
  const action = /^\w+ing$/.test(head) && !/^(ring|king|wing|painting|building|string)$/.test(head);
  if (plural || proper || action || NO_ARTICLE.test(plain)) return plain;
  const vowel = /^(?:[aeio]|hour|un|um|up|ATM|ID|NG|SOS|8|11)/.test(plain) && !/^(?:one|uni|eu|UP)/.test(plain);
  return `${vowel ? 'an' : 'a'} ${plain}`;
}
