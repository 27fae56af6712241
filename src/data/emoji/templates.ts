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

const NO_ARTICLE = /^(the|a|an|my|OK|om|dna|rock|wood|rice|bread|hot|cooked|curry|sushi|sake|tofu|foggy|fog|fire|lotus|yarn|thread|money|litter|potable|poultry|bacon|honey|salt|butter|sunset|sunrise|horse racing|wind)\b/i;

/** An English emoji name as a noun phrase: `red apple` → `a red apple`, `man: beard` → `a man with a beard`. */
export function nounPhrase(name: string): string {
  const plain = name
    .replace(/: bald$/, ' with a bald head')
    .replace(/: beard$/, ' with a beard')
    .replace(/: (\w+ hair)$/, ' with $1')
    .replace(/: facing right$/, ', facing right')
    .replace(/^keycap: /, 'keycap ');
  const head = plain.split(/ (?:with|of|on|in|over|showing|without|from)\b|,/)[0]!;
  const plural = /(?:[^su'i]s|women|men|people|teeth|feet)$/.test(head) && !/(canvas|lens|glass|gas|class|compass|chess|tennis|dress|bus)$/.test(head);
  const proper = /^[A-Z][a-z]/.test(plain) && !/^(Christmas|Japanese|Tokyo)/.test(plain);
  const action = /^\w+ing$/.test(head) && !/^(ring|king|painting)$/.test(head);
  if (plural || proper || action || NO_ARTICLE.test(plain)) return plain;
  return `${/^(?:[aeio]|un|um|ATM|ID|NG|SOS|8|11)/.test(plain) && !/^(?:one|uni|eu)/.test(plain) ? 'an' : 'a'} ${plain}`;
}
