import type { BalancedFigure } from '../eval/emoji-statements.ts';
import type { AccuracyRow } from '../eval/report/index.ts';
import type { RunEvaluation } from './node/evaluate-run.ts';
import type { TestSections } from './run-report.ts';

/** What the test split gave, for the report. @param classNames in the order of their numbers */
export function testReport(evaluation: RunEvaluation, classNames: readonly string[]): TestSections {
  if (evaluation.kind === 'easy-vqa') {
    const { test } = evaluation;
    return {
      headline: [{ label: 'accuracy, test', value: test.accuracy.toFixed(4), detail: interval(test) }],
      accuracy: [{ title: 'All questions', rows: [{ label: 'overall', correct: test.right, total: test.total }] }],
      confusion: { classes: classNames, counts: test.confusion },
    };
  }
  if (evaluation.kind === 'pretraining') {
    const figures = Object.entries(evaluation.validation ?? {});
    return { headline: figures.map(([label, value]) => ({ label, value: value.toFixed(3), detail: 'validation' })) };
  }
  const { overall, byLanguage, byKind } = evaluation.test;
  const rows = (groups: Readonly<Record<string, { overall: BalancedFigure }>>): AccuracyRow[] =>
    Object.entries(groups).map(([label, group]) => row(label, group.overall));
  return {
    headline: [
      { label: 'balanced accuracy, test', value: overall.balancedAccuracy.toFixed(3), detail: interval(overall) },
    ],
    accuracy: [
      { title: 'All statements', rows: [row('overall', overall)] },
      { title: 'Language', rows: rows(byLanguage) },
      { title: 'What is said of the picture', rows: rows(byKind) },
    ],
    chance: 0.5,
  };
}

function row(label: string, { truths, falses }: BalancedFigure): AccuracyRow {
  return { label, correct: truths.right + falses.right, total: truths.total + falses.total };
}

function interval({ low, high }: { low: number; high: number }): string {
  return `95 %: ${low.toFixed(3)} to ${high.toFixed(3)}`;
}
