import type { Random } from '../../core/index.ts';
import type { Language } from '../emoji/concepts.ts';
import { type Asking, QUESTION_KINDS, type QuestionKind, type SceneQuestion } from './question.ts';
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
): SceneQuestion | undefined {
  return attempt(kind, { scene, language, random, vocabulary }, TRIES);
}

/** The first question of a kind that is found and kept. */
function attempt(
  kind: QuestionKind,
  asking: Asking,
  tries: number,
  keeps: (question: SceneQuestion) => boolean = () => true,
): SceneQuestion | undefined {
  for (let i = 0; i < tries; i++) {
    const question = ASKERS[kind](asking);
    if (question !== undefined && keeps(question)) return question;
  }
  return undefined;
}

/** Whether steps count no more than one of anything: alone they would teach to tell none, one and many apart, and no number. */
function countsFew({ kind, form, steps = [] }: SceneQuestion): boolean {
  const isCounting = kind === 'steps' && (form === 'more' || form === 'sum');
  return isCounting && steps.slice(0, 2).every(({ finds }) => Number(finds) < 2);
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
  const keeps = (question: SceneQuestion): boolean => !countsFew(question) || random.uniform() < KEPT_FEW;
  for (let misses = 0; questions.length < count && misses < 4 * count;) {
    const drawn = random.weighted([...left.values()]);
    if (drawn === undefined) break;
    const kind = QUESTION_KINDS[drawn]!;
    const asking = { scene, language: random.pick(languages), random, vocabulary };
    const question = attempt(kind, asking, PATIENT_TRIES, keeps);
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
