import { formatDuration, formatFigure } from '../core/progress.ts';
import type { FactGroup, HeadlineFigure, TrainingReport } from '../eval/report/index.ts';
import type { RunHistory, TrainingOutcome } from '../train/index.ts';
import { runCharts, runSamples } from './run-charts.ts';

/** What a test split gave; see {@link TrainingReport}. */
export type TestSections = Pick<TrainingReport, 'accuracy' | 'chance' | 'confusion'> & {
  readonly headline: readonly HeadlineFigure[];
};

/** What a report says besides the history of the run. */
export interface RunReportFacts {
  /** Name of the run. */
  readonly run: string;
  readonly outcome: TrainingOutcome;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The recipe as it was run, in YAML. */
  readonly recipe: string;
  readonly parameters?: number | undefined;
  readonly engine: string;
  readonly threads: number;
  readonly seed: number;
  readonly test?: TestSections;
}

/** The report that is written at the end of a run. */
export function runReport(history: RunHistory, facts: RunReportFacts): TrainingReport {
  const { outcome, test } = facts;
  const { headline: tested, ...sections } = test ?? { headline: [] };
  const judged = validationHeadline(history, outcome);
  const { last } = history;
  const loss: HeadlineFigure[] =
    last === undefined ? [] : [{ label: 'loss', value: formatFigure(last.loss), detail: 'of the last step' }];
  const time = { label: 'of training', value: formatDuration(outcome.seconds), detail: `${outcome.steps} steps` };
  return {
    title: facts.run,
    summary: ENDINGS[outcome.ended],
    run: 'A run of training',
    createdAt: facts.createdAt,
    headline: [...tested, ...judged, ...loss, time].slice(0, 4),
    charts: runCharts(history),
    ...sections,
    ...(history.questions.length === 0 ? {} : { samples: runSamples(history) }),
    facts: factGroups(history, facts),
    recipe: facts.recipe,
    licences: [],
    caveats: [
      'Curves of training are of the batches that were learned from; only validation says what was understood.',
      'One run is one draw: another seed gives other figures.',
    ],
  };
}

const ENDINGS: Readonly<Record<TrainingOutcome['ended'], string>> = {
  finished: 'The run went to its end.',
  stopped: 'The run ended early: its evaluations had not become better for as long as it was to wait.',
  interrupted: 'The run was interrupted and can be gone on with.',
};

function validationHeadline(history: RunHistory, { best }: TrainingOutcome): HeadlineFigure[] {
  if (best !== undefined)
    return [{ label: 'best evaluation', value: formatFigure(best.value), detail: `at step ${best.step}` }];
  const [judged] = [...history.validation].filter(([name]) => name !== 'loss');
  const latest = judged?.[1].at(-1);
  if (judged === undefined || latest === undefined) return [];
  return [{ label: `${judged[0]}, validation`, value: formatFigure(latest[1]), detail: `at step ${latest[0]}` }];
}

function factGroups(history: RunHistory, facts: RunReportFacts): FactGroup[] {
  const { outcome, parameters, engine, threads, seed } = facts;
  const run = [
    { label: 'steps', value: String(outcome.steps) },
    { label: 'time', value: formatDuration(outcome.seconds) },
    { label: 'seed', value: String(seed) },
    ...(parameters === undefined ? [] : [{ label: 'weights', value: String(parameters) }]),
  ];
  const where = [
    { label: 'engine', value: engine },
    { label: 'threads', value: String(threads) },
    { label: 'last checkpoint', value: outcome.checkpoint ?? 'none' },
  ];
  const figures = [...history.validation].flatMap(([name, points]) => {
    const latest = points.at(-1);
    const extremes = history.extremes(name);
    if (latest === undefined || extremes === undefined) return [];
    const { least, greatest } = extremes;
    const value = `${formatFigure(latest[1])} (least ${formatFigure(least[1])}, greatest ${formatFigure(greatest[1])})`;
    return [{ label: name, value }];
  });
  return [
    { title: 'Run', facts: run },
    { title: 'Machine', facts: where },
    ...(figures.length === 0 ? [] : [{ title: 'Last evaluation', facts: figures }]),
  ];
}
