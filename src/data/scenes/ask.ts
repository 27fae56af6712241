import type { Random } from '../../core/index.ts';
import type { Language } from '../emoji/concepts.ts';
import { QUESTION_KINDS, type QuestionKind, type SceneQuestion } from './question.ts';
import { ASKERS } from './questions/index.ts';
import type { Scene } from './scene.ts';
import type { SceneVocabulary } from './vocabulary.ts';

/** What is left of a kind's weight after a question of it. */
const FADING = 0.6;
/** Attempts at a question of a kind before the kind counts as one that the scene does not allow. */
const TRIES = 6;
/** Where much is asked about a scene: nearly all allow some steps, which six attempts find in one scene of three. */
const PATIENT_TRIES = 40;
/** Part of the sums and comparisons in steps that is kept there where no number is above 1. */
const KEPT_FEW = 0.2;

/** A question of one kind, or nothing where none is found. */
export function askOne(
  kind: QuestionKind,
  scene: Scene,
  language: Language,
  random: Random,
  vocabulary: SceneVocabulary,
  tries: number = TRIES,
): SceneQuestion | undefined {
  for (let attempt = 0; attempt < tries; attempt++) {
    const question = ASKERS[kind]({ scene, language, random, vocabulary });
    if (question !== undefined) return question;
  }
  return undefined;
}

/**
 * As {@link askOne}, trying longer. Most numbers of a scene are 0 or 1: steps that count nothing else teach to tell none, one and many
 * apart, and no number.
 */
function askPatiently(
  kind: QuestionKind,
  scene: Scene,
  language: Language,
  random: Random,
  vocabulary: SceneVocabulary,
): SceneQuestion | undefined {
  for (let tries = 0; tries < PATIENT_TRIES; tries++) {
    const question = askOne(kind, scene, language, random, vocabulary, 1);
    if (question !== undefined && (!countsFew(question) || random.uniform() < KEPT_FEW)) return question;
  }
  return undefined;
}

function countsFew({ kind, steps = [] }: SceneQuestion): boolean {
  const numbers = steps.map(({ finds }) => Number(finds)).filter((found) => !Number.isNaN(found));
  return kind === 'steps' && numbers.length >= 2 && numbers.slice(0, 2).every((found) => found < 2);
}

/**
 * Different questions about a scene, of kinds drawn by their weights; fewer than asked for where the scene allows no more.
 * @param languages drawn from with equal chance
 */
export function askAbout(
  scene: Scene,
  count: number,
  weights: Readonly<Partial<Record<QuestionKind, number>>>,
  languages: readonly Language[],
  random: Random,
  vocabulary: SceneVocabulary,
): readonly SceneQuestion[] {
  const left = new Map(QUESTION_KINDS.map((kind) => [kind, Math.max(0, weights[kind] ?? 0)]));
  const asked = new Set<string>();
  const questions: SceneQuestion[] = [];
  for (let misses = 0; questions.length < count && misses < 4 * count;) {
    const drawn = random.weighted([...left.values()]);
    if (drawn === undefined) break;
    const kind = QUESTION_KINDS[drawn]!;
    const question = askPatiently(kind, scene, random.pick(languages), random, vocabulary);
    if (question === undefined) {
      left.set(kind, 0);
      continue;
    }
    // What has been asked comes up less, so that no kind that a scene makes easy takes up all room.
    left.set(kind, left.get(kind)! * FADING);
    const key = keyOf(question);
    if (asked.has(key)) {
      misses++;
      continue;
    }
    asked.add(key);
    questions.push(question);
  }
  return questions;
}

/** Kinds whose questions with the same answer are the same question. */
const ONCE: readonly QuestionKind[] = ['naming', 'region', 'caption', 'grounding', 'reading'];

/** What a question asks, whatever its wording. */
function keyOf({ kind, form, language, question, text, box }: SceneQuestion): string {
  const isOnce = ONCE.includes(kind) || form === 'all';
  return JSON.stringify([kind, form, language, text, box, isOnce ? undefined : question]);
}
