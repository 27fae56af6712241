import type { EmojiBatch } from '../data/emoji/dataset.ts';
import { LANGUAGES } from '../data/emoji/concepts.ts';
import type { Hardness, Statement } from '../data/emoji/statements.ts';
import { STATEMENT_KINDS } from '../data/emoji/templates.ts';
import type { Loader } from '../data/loader.ts';
import type { FusionScorer } from './fusion-scorer.ts';
import { balancedAccuracyInterval, bestThreshold } from './metrics.ts';

/** A statement with what the model says of it. */
export interface ScoredStatement {
  readonly statement: Statement;
  /** Logit of true minus logit of false. */
  readonly score: number;
  /** Name of the sample that showed it. */
  readonly id: string;
}

/** Balanced accuracy with its 95 % interval, which takes statements to be independent, and what it is made of. */
export interface BalancedFigure {
  readonly balancedAccuracy: number;
  readonly low: number;
  readonly high: number;
  readonly truths: { readonly right: number; readonly total: number };
  readonly falses: { readonly right: number; readonly total: number };
}

/** Overall, and with one half of the false statements at a time. */
export interface HalvesFigure {
  readonly overall: BalancedFigure;
  readonly random: BalancedFigure;
  readonly hard: BalancedFigure;
}

export interface EmojiResult extends HalvesFigure {
  /** A statement is called true where its score is at least this. */
  readonly threshold: number;
  readonly byLanguage: Readonly<Record<string, HalvesFigure>>;
  readonly byKind: Readonly<Record<string, HalvesFigure>>;
}

/** Scores every statement of a pass. */
export async function scoreStatements(loader: Loader<EmojiBatch>, scorer: FusionScorer): Promise<ScoredStatement[]> {
  const scored: ScoredStatement[] = [];
  for (let loaded = await loader.next(); loaded !== undefined; loaded = await loader.next()) {
    const { batch } = loaded;
    const logits = await scorer.logits(batch);
    const perPicture = batch.statements.length / batch.ids.length;
    for (const [i, statement] of batch.statements.entries()) {
      const [no, yes] = logits[i]!;
      scored.push({ statement, score: yes! - no!, id: batch.ids[Math.floor(i / perPicture)]! });
    }
  }
  return scored;
}

/** The threshold of the highest balanced accuracy. Use validation data only. @throws DataError as `bestThreshold` */
export function statementThreshold(scored: readonly ScoredStatement[]): number {
  return bestThreshold(
    scored.map(({ score }) => score),
    scored.map(({ statement }) => Number(statement.label)),
  ).threshold;
}

/** Figures of all statements and of each language and kind. @throws DataError when one of them has no true or no false statement */
export function emojiResult(scored: readonly ScoredStatement[], threshold: number): EmojiResult {
  const group = (keys: readonly string[], of: (statement: Statement) => string): Record<string, HalvesFigure> =>
    Object.fromEntries(
      keys.map((key) => [
        key,
        halves(
          scored.filter(({ statement }) => of(statement) === key),
          threshold,
        ),
      ]),
    );
  return {
    threshold,
    ...halves(scored, threshold),
    byLanguage: group(LANGUAGES, ({ language }) => language),
    byKind: group(STATEMENT_KINDS, ({ kind }) => kind),
  };
}

function halves(scored: readonly ScoredStatement[], threshold: number): HalvesFigure {
  const figure = (kinds: readonly Hardness[]): BalancedFigure => {
    const count = (wanted: (hardness: Hardness) => boolean): { right: number; total: number } => {
      const rows = scored.filter(({ statement }) => wanted(statement.hardness));
      const right = rows.filter(({ statement, score }) => score >= threshold === statement.label).length;
      return { right, total: rows.length };
    };
    const truths = count((hardness) => hardness === 'true');
    const falses = count((hardness) => kinds.includes(hardness));
    const balancedAccuracy = (truths.right / truths.total + falses.right / falses.total) / 2;
    return { balancedAccuracy, ...balancedAccuracyInterval([truths, falses]), truths, falses };
  };
  return { overall: figure(['random', 'hard']), random: figure(['random']), hard: figure(['hard']) };
}
