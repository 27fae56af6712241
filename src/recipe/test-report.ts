import type { ClassificationResult } from '../eval/classification.ts';
import type { BalancedFigure } from '../eval/emoji-statements.ts';
import type { AccuracyRow } from '../eval/report/index.ts';
import type { RunEvaluation } from './node/evaluate-run.ts';
import type { TestSections } from './run-report.ts';

/** What the test split gave, for the report. @param classNames in the order of their numbers */
export function testReport(evaluation: RunEvaluation, classNames: readonly string[]): { test?: TestSections } {
  const sections = testSections(evaluation, classNames);
  return sections === undefined ? {} : { test: sections };
}

function testSections(evaluation: RunEvaluation, classNames: readonly string[]): TestSections | undefined {
  if (evaluation.kind === 'pretraining') return undefined;
  if (evaluation.kind === 'easy-vqa') {
    const { test } = evaluation;
    return {
      headline: [{ label: 'accuracy, test', value: test.accuracy.toFixed(4), detail: interval(test) }],
      accuracy: [{ title: 'All questions', rows: [{ label: 'overall', correct: test.right, total: test.total }] }],
      confusion: { classes: classNames, counts: test.confusion },
    };
  }
  if (evaluation.kind === 'sort-of-clevr') {
    const { nonRelational, relational, byKind } = evaluation.test;
    const named = { 'not relational': nonRelational, relational };
    const rows = (figures: Readonly<Record<string, ClassificationResult>>): AccuracyRow[] =>
      Object.entries(figures).map(([label, { right, total }]) => ({ label, correct: right, total }));
    return {
      headline: Object.entries(named).map(([label, figure]) => ({
        label: `${label}, test`,
        value: figure.accuracy.toFixed(4),
        detail: interval(figure),
      })),
      accuracy: [
        { title: 'All questions', rows: rows(named) },
        { title: 'What is asked', rows: rows(byKind) },
      ],
    };
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
