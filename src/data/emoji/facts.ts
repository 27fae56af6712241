import { groupBy } from '../../core/index.ts';
import { CATEGORIES, type Category } from './categories.ts';
import { LANGUAGES, type Concept, type Language } from './concepts.ts';

/**
 * What can be said of each concept for sure. Tags are incomplete (not every animal is tagged `animal`), names overlap (a man
 * biking is a person biking), so that "not tagged with it" does not make a statement false. The rules below keep what is
 * doubtful out, on the true and on the false side alike, so that the wording alone does not give the answer away.
 */
export class EmojiFacts {
  readonly concepts: readonly Concept[];
  /** Concepts of the same subgroup and of the same group, the concept itself included. */
  readonly #bySubgroup: Map<string, Concept[]>;
  readonly #byGroup: Map<string, Concept[]>;
  readonly #facts: readonly ConceptFacts[];

  constructor(concepts: readonly Concept[]) {
    this.concepts = concepts;
    this.#bySubgroup = groupBy(concepts, ({ subgroup }) => subgroup);
    this.#byGroup = groupBy(concepts, ({ group }) => group);
    const everywhere = Object.fromEntries(
      LANGUAGES.map((language) => [language, countTags(concepts, language)]),
    ) as TagCounts;
    const within = new Map<string, TagCounts>();
    for (const [subgroup, members] of this.#bySubgroup) {
      within.set(
        subgroup,
        Object.fromEntries(LANGUAGES.map((language) => [language, countTags(members, language)])) as TagCounts,
      );
    }
    this.#facts = concepts.map((concept) => {
      const members = this.#bySubgroup.get(concept.subgroup)!.length;
      return factsOf(concept, everywhere, within.get(concept.subgroup)!, members);
    });
  }

  siblings(concept: Concept): readonly Concept[] {
    return this.#bySubgroup.get(concept.subgroup)!;
  }

  cousins(concept: Concept): readonly Concept[] {
    return this.#byGroup.get(concept.group)!;
  }

  /** Tags that set the concept apart: rare in its subgroup and not one of the words that fit half the world. */
  tags(concept: Concept, language: Language): readonly string[] {
    return this.#facts[concept.index]!.tags[language];
  }

  categories(concept: Concept): readonly Category[] {
    return this.#facts[concept.index]!.categories;
  }

  /** Whether the name of `other` is surely wrong for a picture of `concept`. */
  nameIsFalse(concept: Concept, other: Concept): boolean {
    if (concept === other) return false;
    const own = this.#facts[concept.index]!;
    const said = this.#facts[other.index]!;
    // "cat" is true of "grinning cat", "bicycle" of what is tagged so.
    if (said.nameWords.every((word) => own.words.has(word))) return false;
    // Person, man and woman doing the same: only man and woman exclude each other. Sizes cannot be seen.
    const sexFits = said.gender === own.gender || said.gender === '' || own.gender === '';
    if (sexFits && said.neutral.join() === own.neutral.join()) return false;
    // And "man" may be true of "person: beard".
    const people = concept.group === 'people-body' && other.group === 'people-body';
    if (sexFits && people && said.neutral.every((word) => own.words.has(word))) return false;
    const name = other.wording.zh.name;
    return !own.zh.some((word) => word === name) && !concept.wording.zh.name.includes(name);
  }

  /** Whether the tag is surely wrong for a picture of `concept`. */
  tagIsFalse(concept: Concept, tag: string, language: Language): boolean {
    const own = this.#facts[concept.index]!;
    if (language === 'zh') return ![...tag].some((character) => own.characters.has(character));
    return !wordsOf(tag).some((word) => own.stems.has(stem(word)));
  }

  categoryIsFalse(concept: Concept, category: Category): boolean {
    if (category.of.includes(concept.subgroup)) return false;
    return !category.unclear?.some((key) => key === concept.subgroup || key === concept.group);
  }
}

type TagCounts = Record<Language, Map<string, number>>;

interface ConceptFacts {
  readonly tags: Readonly<Record<Language, readonly string[]>>;
  readonly categories: readonly Category[];
  readonly nameWords: readonly string[];
  /** Words of name and tags, and their stems. */
  readonly words: ReadonlySet<string>;
  readonly stems: ReadonlySet<string>;
  /** Chinese name and tags, and the characters in them that mean something by themselves. */
  readonly zh: readonly string[];
  readonly characters: ReadonlySet<string>;
  /** The name without sex and size, and the sex: `m`, `f` or nothing. */
  readonly neutral: readonly string[];
  readonly gender: string;
}

/** Tags on more concepts than this are too general to be complete. */
const COMMON_TAG = 20;
const COMMON_IN_SUBGROUP = 0.1;

function factsOf(concept: Concept, everywhere: TagCounts, within: TagCounts, members: number): ConceptFacts {
  const { name, tags } = concept.wording.en;
  const nameWords = wordsOf(name);
  const words = new Set([...nameWords, ...tags.flatMap(wordsOf)]);
  const limit = Math.max(2, COMMON_IN_SUBGROUP * members);
  const rare = (language: Language): string[] =>
    concept.wording[language].tags.filter(
      (tag) => everywhere[language].get(tag)! <= COMMON_TAG && within[language].get(tag)! <= limit && !GENERAL.has(tag),
    );
  const zh = [concept.wording.zh.name, ...concept.wording.zh.tags];
  const neutral = nameWords.map((word) => NEUTRAL.get(word) ?? word).filter((word) => word !== '' && !SIZES.has(word));
  return {
    tags: { en: rare('en'), zh: rare('zh') },
    categories: CATEGORIES.filter((category) => category.of.includes(concept.subgroup)),
    nameWords,
    words,
    stems: new Set([...words].map(stem)),
    zh,
    characters: new Set([...zh.join('')].filter((character) => !'的一在有了着和与子, '.includes(character))),
    neutral,
    gender: nameWords.some((word) => MALE.has(word)) ? 'm' : nameWords.some((word) => FEMALE.has(word)) ? 'f' : '',
  };
}

const MALE = new Set(['man', 'men', 'boy', 'merman', 'santa', 'prince', 'king']);
const FEMALE = new Set(['woman', 'women', 'girl', 'mermaid', 'mrs', 'princess', 'queen']);
const NEUTRAL = new Map([
  ...['man', 'woman', 'person', 'men', 'women', 'people', 'adult', 'santa', 'mrs', 'mx'].map(
    (word) => [word, ''] as const,
  ),
  ...['boy', 'girl'].map((word) => [word, 'child'] as const),
  ...['merman', 'mermaid'].map((word) => [word, 'merperson'] as const),
  ...['prince', 'princess'].map((word) => [word, 'crown'] as const),
  ['old', 'older'] as const,
]);
const SIZES = new Set(['small', 'medium', 'large', 'slightly']);
/** Tags that would fit far more concepts than carry them. */
const GENERAL = new Set([
  'nature',
  'animal',
  'food',
  'person',
  'object',
  'thing',
  'human',
  '动物',
  '食物',
  '自然',
  '物品',
  'adult',
  'bro',
  'lady',
  'guy',
  '男',
  '女',
  '人',
  '男人',
  '女人',
  '男性',
  '女性',
  '男生',
  '女生',
]);

function countTags(concepts: readonly Concept[], language: Language): Map<string, number> {
  const counts = new Map<string, number>();
  for (const concept of concepts)
    for (const tag of concept.wording[language].tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return counts;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Crude on purpose: it is better to drop a tag than to call `grin` false of a grinning face. */
function stem(word: string): string {
  return word.slice(0, 4);
}
