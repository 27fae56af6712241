import type { Random } from '../../core/index.ts';
import { CATEGORIES } from './categories.ts';
import type { Concept } from './concepts.ts';
import type { EmojiFacts } from './facts.ts';

/**
 * Draws categories that are false of a concept, about as often as each one is true somewhere. Drawn without weights, the
 * categories of large groups would be true more often than false, and a model could answer by the wording alone.
 */
export class FalseCategories {
  readonly #facts: EmojiFacts;
  /** For each concept: the categories that are false of it, and those of them that some concept of its group belongs to. */
  readonly #random: readonly (readonly number[])[];
  readonly #hard: readonly (readonly number[])[];
  readonly #weights: Float64Array = new Float64Array(CATEGORIES.length).fill(1);
  readonly #members: readonly (readonly Concept[])[];

  constructor(facts: EmojiFacts) {
    const { concepts } = facts;
    this.#facts = facts;
    this.#members = CATEGORIES.map((category) => concepts.filter((concept) => category.of.includes(concept.subgroup)));
    const groups = this.#members.map((members) => new Set(members.map((concept) => concept.group)));
    this.#random = concepts.map((concept) =>
      CATEGORIES.flatMap((category, k) =>
        this.#members[k]!.length > 0 && facts.categoryIsFalse(concept, category) ? [k] : [],
      ),
    );
    this.#hard = concepts.map((concept, i) => this.#random[i]!.filter((k) => groups[k]!.has(concept.group)));
    this.#balance();
  }

  /** The category and one concept that belongs to it, or nothing where no category is surely false. */
  draw(concept: Concept, hard: boolean, random: Random): { category: number; about: Concept } | undefined {
    const choices = (hard ? this.#hard : this.#random)[concept.index]!;
    const drawn = random.weighted(choices.map((k) => this.#weights[k]!));
    if (drawn === undefined) return undefined;
    const category = choices[drawn]!;
    return { category, about: random.pick(this.#members[category]!) };
  }

  /** Fits the weights so that each category is drawn as a false one as often as it is drawn as a true one (iterative scaling). */
  #balance(): void {
    const wanted = new Float64Array(CATEGORIES.length);
    for (const concept of this.#facts.concepts) {
      const own = this.#facts.categories(concept);
      for (const category of own) wanted[CATEGORIES.indexOf(category)]! += 1 / own.length;
    }
    const all = wanted.reduce((sum, value) => sum + value, 0);
    for (let round = 0; round < 40; round++) {
      const drawn = new Float64Array(CATEGORIES.length);
      for (const lists of [this.#random, this.#hard]) {
        for (const choices of lists) {
          let total = 0;
          for (const k of choices) total += this.#weights[k]!;
          for (const k of choices) drawn[k]! += this.#weights[k]! / total;
        }
      }
      const sum = drawn.reduce((a, b) => a + b, 0);
      for (const k of wanted.keys()) {
        const ratio = drawn[k]! > 0 ? wanted[k]! / all / (drawn[k]! / sum) : 1;
        this.#weights[k] = Math.min(1e3, Math.max(1e-3, this.#weights[k]! * Math.sqrt(ratio)));
      }
    }
  }
}
