import type { Random } from '../../core/index.ts';
import { FalseCategories } from './balance.ts';
import { CATEGORIES } from './categories.ts';
import { LANGUAGES, type Concept, type Language } from './concepts.ts';
import { EmojiFacts } from './facts.ts';
import { fill, nounPhrase, STATEMENT_KINDS, TEMPLATES, type StatementKind } from './templates.ts';

/**
 * How a false statement was made: `random` takes words of any concept, `hard` those of one from the same subgroup (or group,
 * where the subgroup has none), or another category of the same group. True ones are `true`.
 */
export const HARDNESSES = ['true', 'random', 'hard'] as const;
export type Hardness = (typeof HARDNESSES)[number];

/** One statement about a picture of one concept. */
export interface Statement {
  readonly text: string;
  readonly language: Language;
  readonly kind: StatementKind;
  readonly hardness: Hardness;
  /** Whether it is true: `hardness === 'true'`. */
  readonly label: boolean;
  /** Index of the concept in the picture, and of the one whose name or tag the words are. */
  readonly concept: number;
  readonly about: number;
  /** The name, tag or category that is stated. */
  readonly words: string;
}

/** What a statement should be; everything left out is drawn by chance. */
export interface StatementWish {
  readonly language?: Language;
  readonly kind?: StatementKind;
  readonly hardness?: Hardness;
}

const KIND_SHARE: Readonly<Record<StatementKind, number>> = { name: 0.5, tag: 0.3, category: 0.2 };
const KIND_SHARES = STATEMENT_KINDS.map((kind) => KIND_SHARE[kind]);
const TRIES = 40;

/** Makes statements. Pure: what comes out depends on the concepts and the random numbers alone. */
export class StatementMaker {
  readonly facts: EmojiFacts;
  readonly #falseCategories: FalseCategories;

  constructor(concepts: readonly Concept[]) {
    this.facts = new EmojiFacts(concepts);
    this.#falseCategories = new FalseCategories(this.facts);
  }

  /**
   * A statement about a picture of `concept`: true with probability ½, otherwise random or hard with equal chance.
   * Where a kind cannot be had (a concept without a category, or no tag that is surely false) it is a name.
   */
  make(concept: Concept, random: Random, wish: StatementWish = {}): Statement {
    const language = wish.language ?? random.pick(LANGUAGES);
    const hardness = wish.hardness ?? (random.uniform() < 0.5 ? 'true' : random.uniform() < 0.5 ? 'random' : 'hard');
    let kind = wish.kind ?? STATEMENT_KINDS[random.weighted(KIND_SHARES)!]!;
    let found = this.#words(concept, language, kind, hardness, random);
    if (found === undefined) {
      kind = 'name';
      found = this.#words(concept, language, kind, hardness, random)!;
    }
    const text = fill(random.pick(TEMPLATES[language][kind]), found.words);
    const { about, words } = found;
    return { text, language, kind, hardness, label: hardness === 'true', concept: concept.index, about, words };
  }

  /**
   * A true description for matching pictures with texts: the name and up to `count` tags.
   * Without random numbers the first tags are taken, with them any.
   */
  describe(concept: Concept, language: Language, count = 4, random?: Random): string {
    const { name, tags } = concept.wording[language];
    const chosen = random === undefined ? tags : random.shuffle([...tags]);
    return [name, ...chosen.filter((tag) => tag !== name).slice(0, count)].join(language === 'zh' ? '，' : ', ');
  }

  #words(
    concept: Concept,
    language: Language,
    kind: StatementKind,
    hardness: Hardness,
    random: Random,
  ): { words: string; about: number } | undefined {
    if (hardness === 'true') {
      const words = this.#wordsOf(concept, language, kind, random);
      return words === undefined ? undefined : { words, about: concept.index };
    }
    if (kind === 'category') {
      const drawn = this.#falseCategories.draw(concept, hardness === 'hard', random);
      return drawn && { words: CATEGORIES[drawn.category]![language], about: drawn.about.index };
    }
    for (const pool of this.#pools(concept, kind, hardness)) {
      for (let i = 0; i < TRIES; i++) {
        const other = random.pick(pool);
        const words = this.#falseWords(concept, other, language, kind, random);
        if (words !== undefined) return { words, about: other.index };
      }
    }
    return undefined;
  }

  /** Where false names and tags come from, nearest first. */
  #pools(concept: Concept, kind: 'name' | 'tag', hardness: Hardness): (readonly Concept[])[] {
    const all = this.facts.concepts;
    if (hardness === 'random') return [all];
    const cousins = this.facts.cousins(concept);
    return kind === 'tag' ? [this.facts.siblings(concept), cousins] : [this.facts.siblings(concept), cousins, all];
  }

  #wordsOf(concept: Concept, language: Language, kind: StatementKind, random: Random): string | undefined {
    if (kind === 'name') return nameWords(concept, language);
    const choices =
      kind === 'tag'
        ? this.facts.tags(concept, language)
        : this.facts.categories(concept).map((category) => category[language]);
    return choices.length === 0 ? undefined : random.pick(choices);
  }

  #falseWords(
    concept: Concept,
    other: Concept,
    language: Language,
    kind: 'name' | 'tag',
    random: Random,
  ): string | undefined {
    if (kind === 'name') return this.facts.nameIsFalse(concept, other) ? nameWords(other, language) : undefined;
    const tags = this.facts.tags(other, language);
    const tag = tags.length === 0 ? undefined : random.pick(tags);
    return tag !== undefined && this.facts.tagIsFalse(concept, tag, language) ? tag : undefined;
  }
}

function nameWords(concept: Concept, language: Language): string {
  const { name } = concept.wording[language];
  return language === 'en' ? nounPhrase(name) : name;
}
