/** What may be wrong with batches of pictures, texts and answers. */
import type { Batch } from '../../data/index.ts';
import type { RecipeFinding } from './finding.ts';

export interface BatchLimits {
  /** Of the tokenizer, for which the model has embeddings. */
  readonly vocabularySize: number;
  /** Answers that there are. */
  readonly classes: number;
}

/** A part of the texts that may fill their rows without being a reason to say something. */
const FULL = 0.01;
/** An answer that is so frequent that guessing it would do well. */
const ONE_SIDED = 0.9;

export function batchFindings(batches: readonly Batch[], { vocabularySize, classes }: BatchLimits): RecipeFinding[] {
  const findings: RecipeFinding[] = [];
  let [texts, full, length, unseen] = [0, 0, 0, 0];
  let unknown: { id: bigint; where: string } | undefined;
  const answers = new Map<bigint, number>();
  for (const { tensors, ids: names } of batches) {
    const { ids, mask, label } = tensors;
    if (ids?.dtype === 'int64' && ids.shape.length === 2) {
      length = ids.shape[1]!;
      const data = ids.data as BigInt64Array;
      const wrong = data.findIndex((id) => id < 0n || id >= BigInt(vocabularySize));
      if (wrong >= 0) {
        const row = Math.floor(wrong / length);
        unknown ??= { id: data[wrong]!, where: names[row] ?? `text ${row}` };
      }
    }
    if (mask !== undefined && mask.shape.length === 2) {
      const [rows, width] = mask.shape as [number, number];
      for (let row = 0; row < rows; row++) {
        texts++;
        const present = (mask.data as Float32Array).subarray(row * width, (row + 1) * width);
        if (present.every((value) => value === 1)) full++;
        if (present.every((value) => value === 0)) unseen++;
      }
    }
    if (label?.dtype === 'int64')
      for (const answer of label.data as BigInt64Array) answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  if (unknown !== undefined)
    findings.push({
      level: 'error',
      check: 'vocabulary',
      where: unknown.where,
      message: `token ${unknown.id} has no embedding; there are ${vocabularySize}`,
      hint: 'use the tokenizer that the model was made with, or raise model.text.vocabularySize',
    });
  if (unseen > 0)
    findings.push({
      level: 'error',
      check: 'no-text',
      where: 'data',
      message: `${unseen} of ${texts} texts have no token`,
      hint: 'leave empty texts out',
    });
  if (full > texts * FULL)
    findings.push({
      level: 'warning',
      check: 'text-length',
      where: 'model.text.maxLength',
      message: `${full} of ${texts} texts fill all ${length} tokens, so that longer ones among them are cut`,
      hint: 'raise maxLength',
    });
  const outside = [...answers.keys()].find((answer) => answer < 0n || answer >= BigInt(classes));
  if (outside !== undefined)
    findings.push({
      level: 'error',
      check: 'answers',
      where: 'data',
      message: `answer ${outside} is not one of ${classes}`,
      hint: 'correct the labels',
    });
  const counted = [...answers.values()].reduce((sum, count) => sum + count, 0);
  const most = Math.max(0, ...answers.values());
  if (counted >= 32 && most > counted * ONE_SIDED)
    findings.push({
      level: 'warning',
      check: 'answers',
      where: 'data',
      message: `${most} of ${counted} answers are the same, so that always giving it would do well`,
      hint: 'balance the answers',
    });
  return findings;
}
