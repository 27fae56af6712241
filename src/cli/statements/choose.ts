import type { ScoredStatement } from '../../eval/index.ts';
import { confidence, isRight } from './report.ts';

/** Wrong answers that the model was surest of, at most one for each picture. */
export function surestMistakes(
  scored: readonly ScoredStatement[],
  threshold: number,
  count: number,
): ScoredStatement[] {
  const seen = new Set<number>();
  return scored
    .filter((each) => !isRight(each, threshold))
    .sort((a, b) => confidence(b, threshold) - confidence(a, threshold))
    .filter(({ statement }) => !seen.has(statement.concept) && seen.add(statement.concept))
    .slice(0, count);
}

const WISHES = [
  { language: 'en', label: true, kind: 'name' },
  { language: 'zh', label: true, kind: 'name' },
  { language: 'en', label: false, kind: 'name' },
  { language: 'zh', label: false, kind: 'tag' },
  { language: 'en', label: true, kind: 'tag' },
  { language: 'zh', label: true, kind: 'category' },
] as const;

/**
 * Statements to look at closely: both languages, all kinds, true and false. They are drawn evenly from all that were
 * tested, right and wrong answers alike, so they flatter nobody.
 */
export function sampleStatements(scored: readonly ScoredStatement[]): ScoredStatement[] {
  const seen = new Set<number>();
  return WISHES.flatMap((wish, i) => {
    const fitting = scored.filter(
      ({ statement }) =>
        statement.language === wish.language &&
        statement.label === wish.label &&
        statement.kind === wish.kind &&
        !seen.has(statement.concept) &&
        statement.text.length <= 60,
    );
    const chosen = fitting[Math.floor((fitting.length * (i + 0.5)) / WISHES.length)];
    if (chosen === undefined) return [];
    seen.add(chosen.statement.concept);
    return [chosen];
  });
}
