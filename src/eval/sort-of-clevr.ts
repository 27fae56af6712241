import type { Loader } from '../data/loader.ts';
import type { SortOfClevrBatch } from '../data/sort-of-clevr-dataset.ts';
import { isRelational, SORT_OF_CLEVR_KINDS, type SortOfClevrKind } from '../data/sort-of-clevr.ts';
import { answersTo, classificationResult, type ClassificationResult, type ScoredAnswer } from './classification.ts';
import type { FusionScorer } from './fusion-scorer.ts';

/** One answered question and what was asked in it. */
export interface SortOfClevrAnswered extends ScoredAnswer {
  readonly kind: SortOfClevrKind;
}

/** Accuracies with 95 % intervals, those of questions about one object and about relations apart, as they are published. */
export interface SortOfClevrResult {
  readonly overall: ClassificationResult;
  readonly nonRelational: ClassificationResult;
  readonly relational: ClassificationResult;
  readonly byKind: Readonly<Record<SortOfClevrKind, ClassificationResult>>;
}

/** Answers every question of a pass. */
export async function answerSortOfClevr(
  loader: Loader<SortOfClevrBatch>,
  scorer: FusionScorer,
): Promise<SortOfClevrAnswered[]> {
  const answered: SortOfClevrAnswered[] = [];
  for (let loaded = await loader.next(); loaded !== undefined; loaded = await loader.next()) {
    const { batch } = loaded;
    for (const [i, answer] of (await answersTo(batch, scorer)).entries())
      answered.push({ ...answer, kind: batch.kinds[i]! });
  }
  return answered;
}

/** @throws DataError when questions of some kind are missing */
export function sortOfClevrResult(answered: readonly SortOfClevrAnswered[], classes: number): SortOfClevrResult {
  const of = (chosen: (answer: SortOfClevrAnswered) => boolean): ClassificationResult =>
    classificationResult(answered.filter(chosen), classes);
  return {
    overall: of(() => true),
    nonRelational: of((answer) => !isRelational(answer)),
    relational: of(isRelational),
    byKind: Object.fromEntries(
      SORT_OF_CLEVR_KINDS.map((kind) => [kind, of((answer) => answer.kind === kind)]),
    ) as Record<SortOfClevrKind, ClassificationResult>,
  };
}
