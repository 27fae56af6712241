import type { Random } from '../../core/index.ts';
import type { Concept } from '../emoji/concepts.ts';
import { SCENE_KINDS, type SceneKind } from './kinds.ts';
import type { SceneVocabulary } from './vocabulary.ts';

/** Part of the scenes that hold a number of things of one kind that is even over 1 to the most. */
const FOCUSED = 0.4;
const TRIES = 60;

/** What a scene shall hold. */
export interface Chosen {
  readonly concepts: readonly Concept[];
  readonly focus: SceneKind | undefined;
}

/** Chooses what scenes hold, so that neither the number of drawings nor that of one kind can be guessed. */
export class SceneChooser {
  readonly #vocabulary: SceneVocabulary;
  readonly #fewest: number;
  readonly #most: number;
  /** How often scenes without a focus hold `fewest`, `fewest` + 1, … drawings, so that all scenes together are even. */
  readonly #counts: readonly number[];

  constructor(vocabulary: SceneVocabulary, [fewest, most]: readonly [number, number]) {
    this.#vocabulary = vocabulary;
    this.#fewest = fewest;
    this.#most = most;
    const wanted = 1 / (most - fewest + 1);
    this.#counts = Array.from({ length: most - fewest + 1 }, (_, i) => {
      let focused = 0;
      for (let many = 1; many <= fewest + i; many++) focused += 1 / (most - Math.max(many, fewest) + 1) / most;
      return Math.max(0, wanted - FOCUSED * focused);
    });
  }

  /**
   * Concepts of which none could be called by another's name.
   * @param isThere whether the drawings at hand have a concept
   */
  choose(random: Random, isThere: (concept: Concept) => boolean): Chosen {
    if (random.uniform() >= FOCUSED) {
      const chosen: Concept[] = [];
      const count = this.#fewest + random.weighted(this.#counts)!;
      for (let i = 0; i < count; i++) this.#add(chosen, () => this.#vocabulary.drawKind(random), random, isThere);
      return { concepts: chosen, focus: undefined };
    }
    const many = 1 + random.integer(this.#most);
    const least = Math.max(many, this.#fewest);
    const count = least + random.integer(this.#most - least + 1);
    const focus = this.#vocabulary.drawKind(random);
    const chosen: Concept[] = [];
    for (let i = 0; i < many; i++) this.#add(chosen, () => focus, random, isThere);
    // A kind with too few drawings in these sets has no even number.
    const isWhole = chosen.length === many;
    const another = (): SceneKind => {
      let kind = this.#vocabulary.drawKind(random);
      while (kind === focus) kind = random.pick(SCENE_KINDS);
      return kind;
    };
    while (chosen.length < count) if (!this.#add(chosen, another, random, isThere)) break;
    return { concepts: chosen, focus: isWhole ? focus : undefined };
  }

  #add(chosen: Concept[], kind: () => SceneKind, random: Random, isThere: (concept: Concept) => boolean): boolean {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const concept = random.pick(this.#vocabulary.membersOf(kind()));
      if (!isThere(concept) || !chosen.every((other) => this.#vocabulary.areDistinct(concept, other))) continue;
      chosen.push(concept);
      return true;
    }
    return false;
  }
}
