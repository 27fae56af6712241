import type { Batch } from '../data/dataset.ts';
import type { Loader } from '../data/loader.ts';
import type { FusionScorer } from './fusion-scorer.ts';
import { confusionMatrix, wilsonInterval } from './metrics.ts';

/** One answered question. */
export interface ScoredAnswer {
  readonly id: string;
  readonly truth: number;
  readonly predicted: number;
  /** Probability of the predicted class. */
  readonly probability: number;
}

/** Accuracy with Wilson's 95 % interval, and the confusion matrix: row = truth, column = prediction. */
export interface ClassificationResult {
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
  readonly right: number;
  readonly total: number;
  readonly confusion: number[][];
}

/** Answers every sample of a pass; batches must have `label`, one per text. */
export async function answerQuestions(loader: Loader, scorer: FusionScorer): Promise<ScoredAnswer[]> {
  const answers: ScoredAnswer[] = [];
  for (let loaded = await loader.next(); loaded !== undefined; loaded = await loader.next())
    answers.push(...(await answersTo(loaded.batch, scorer)));
  return answers;
}

/** The answers to one batch, in its order. */
export async function answersTo(batch: Batch, scorer: FusionScorer): Promise<ScoredAnswer[]> {
  const labels = batch.tensors['label']!.data as BigInt64Array;
  return (await scorer.logits(batch)).map((logits, i) => {
    const predicted = logits.reduce((best, value, c) => (value > logits[best]! ? c : best), 0);
    const sum = logits.reduce((total, value) => total + Math.exp(value - logits[predicted]!), 0);
    return { id: batch.ids[i]!, truth: Number(labels[i]), predicted, probability: 1 / sum };
  });
}

/** @throws DataError when there is no answer */
export function classificationResult(answers: readonly ScoredAnswer[], classes: number): ClassificationResult {
  const confusion = confusionMatrix(
    answers.map(({ predicted }) => predicted),
    answers.map(({ truth }) => truth),
    classes,
  );
  const right = answers.filter(({ predicted, truth }) => predicted === truth).length;
  const total = answers.length;
  return { accuracy: right / total, ...wilsonInterval(right, total), right, total, confusion };
}
