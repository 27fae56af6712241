import { DataError, type Random } from '../../core/index.ts';
import type { Concept, Language } from '../emoji/concepts.ts';
import { EmojiFacts } from '../emoji/facts.ts';
import { nounPhrase } from '../emoji/templates.ts';
import { kindsOf, SCENE_KINDS, type SceneKind } from './kinds.ts';
import type { SceneObject } from './scene.ts';

/** The concepts that scenes may hold, and which of them could be mistaken for which by name. */
export class SceneVocabulary {
  readonly concepts: readonly Concept[];
  readonly #facts: EmojiFacts;
  readonly #kinds: readonly (SceneKind | undefined)[];
  readonly #members: ReadonlyMap<SceneKind, readonly Concept[]>;
  /** Kinds, each as often as it is drawn: large kinds more often, but less than their size would have it. */
  readonly #weights: readonly number[];
  readonly #without: ReadonlySet<string>;

  /**
   * @param without code points of concepts that are neither shown nor asked about
   * @throws DataError when a concept that a kind names is unknown
   */
  constructor(concepts: readonly Concept[], without: readonly string[] = []) {
    this.concepts = concepts;
    this.#without = new Set(without);
    this.#facts = new EmojiFacts(concepts);
    this.#kinds = kindsOf(concepts);
    const used = concepts.filter((concept) => this.isUsed(concept));
    this.#members = new Map(SCENE_KINDS.map((kind) => [kind, used.filter((concept) => this.kindOf(concept) === kind)]));
    for (const [kind, members] of this.#members)
      if (members.length < 2)
        throw new DataError(
          `the kind '${kind.key}' has ${members.length} concepts`,
          'run npm ci to restore the packages',
        );
    this.#weights = SCENE_KINDS.map((kind) => Math.sqrt(this.#members.get(kind)!.length));
  }

  /** Whether a concept may be shown and asked about. */
  isUsed({ hexcode }: Concept): boolean {
    return !this.#without.has(hexcode);
  }

  kindOf(concept: Concept): SceneKind | undefined {
    return this.#kinds[concept.index];
  }

  /** The concepts of a kind: what scenes of several drawings are made of. */
  membersOf(kind: SceneKind): readonly Concept[] {
    return this.#members.get(kind)!;
  }

  drawKind(random: Random): SceneKind {
    return SCENE_KINDS[random.weighted(this.#weights)!]!;
  }

  /** Whether the name of `named` is surely wrong for a drawing of `concept`. */
  isSurelyNot(concept: Concept, named: Concept): boolean {
    return this.#facts.nameIsFalse(concept, named);
  }

  /** Whether neither could be called by the other's name. */
  areDistinct(a: Concept, b: Concept): boolean {
    return this.isSurelyNot(a, b) && this.isSurelyNot(b, a);
  }

  /** Whether it is beyond doubt which of the objects are of the kind. */
  isClear(kind: SceneKind, objects: readonly SceneObject[]): boolean {
    return objects.every(
      ({ concept, kind: own }) =>
        own === kind || (own !== undefined && kind.unclear?.test(`${own.key} ${concept.wording.en.name}`) !== true),
    );
  }
}

/** `cat`, `猫`: the name that answers give. */
export function nameOf(concept: Concept, language: Language): string {
  return concept.wording[language].name;
}

/** `a cat`, `grapes`, `猫`. */
export function someOf(concept: Concept, language: Language): string {
  const { name } = concept.wording[language];
  return language === 'zh' ? name : nounPhrase(name);
}

/** `the cat`, `the grapes`, `猫`. */
export function theOf(concept: Concept, language: Language): string {
  const { name } = concept.wording[language];
  return language === 'zh' ? name : `the ${nounPhrase(name).replace(/^(an?|the) /i, '')}`;
}
