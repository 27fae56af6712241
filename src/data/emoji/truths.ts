import { CATEGORIES } from './categories.ts';
import type { EmojiFacts } from './facts.ts';
import type { Statement } from './statements.ts';

/** Whether a statement is true, false, or neither for sure, of one concept. */
export const TRUE = 1;
export const FALSE = 0;
export const UNKNOWN = -1;

/** Of which concepts a statement is true: what a picture of only one of them cannot tell. */
export class TruthTable {
  readonly #facts: EmojiFacts;
  /** Rows that were asked for, as the same words come again and again. */
  readonly #rows = new Map<string, Float32Array>();

  constructor(facts: EmojiFacts) {
    this.#facts = facts;
  }

  /** {@link TRUE}, {@link FALSE} or {@link UNKNOWN} for every concept, by its index. */
  of(statement: Statement): Float32Array {
    const { kind, language, about, words } = statement;
    const key = kind === 'name' ? `${about}` : `${kind} ${language} ${words}`;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = this.#judge(statement);
      this.#rows.set(key, row);
    }
    return row;
  }

  #judge({ kind, language, about, words }: Statement): Float32Array {
    const { concepts } = this.#facts;
    const verdict = (isTrue: boolean, isFalse: boolean): number => (isTrue ? TRUE : isFalse ? FALSE : UNKNOWN);
    if (kind === 'name') {
      const named = concepts[about]!;
      return Float32Array.from(concepts, (concept) =>
        verdict(concept === named, this.#facts.nameIsFalse(concept, named)),
      );
    }
    if (kind === 'tag') {
      return Float32Array.from(concepts, (concept) =>
        verdict(concept.wording[language].tags.includes(words), this.#facts.tagIsFalse(concept, words, language)),
      );
    }
    const category = CATEGORIES.find((candidate) => candidate[language] === words)!;
    return Float32Array.from(concepts, (concept) =>
      verdict(category.of.includes(concept.subgroup), this.#facts.categoryIsFalse(concept, category)),
    );
  }
}
