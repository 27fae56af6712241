/** The history of a run as charts, for the live page and the report. */
import type { ChartSeries, ChartSpec, ReportSample } from '../eval/report/index.ts';
import type { CurvePoint, RunHistory } from '../train/index.ts';

/** Lines that one chart can hold. */
const MOST_LINES = 6;

/** Charts that have something to draw, the most important one first. */
export function runCharts(history: RunHistory): ChartSpec[] {
  const { parts, validation } = history;
  const loss = history.training('loss');
  const held = validation.get('loss');
  const charts: ChartSpec[] = [];
  if (loss.length > 0) {
    charts.push({
      ...axes('loss', [
        { name: 'training', points: loss },
        ...(held === undefined ? [] : [{ name: 'validation', points: held }]),
      ]),
      title: 'Loss',
      caption: 'What is minimised. Where training falls and validation rises, the model learns by heart.',
      smooth: true,
    });
  }
  const rest = [...validation].filter(([name]) => name !== 'loss');
  const shares = rest.filter(([, points]) => points.every(([, y]) => !Number.isFinite(y) || (y >= 0 && y <= 1)));
  for (const lines of groups(shares)) {
    charts.push({
      ...axes('share', lines),
      title: 'Validation',
      caption: 'Figures on data that no step has seen.',
      percent: true,
    });
  }
  for (const entry of rest.filter((one) => !shares.includes(one))) {
    const [lines] = groups([entry]);
    charts.push({
      ...axes(entry[0], lines!),
      title: `Validation: ${entry[0]}`,
      caption: 'On data that no step has seen.',
    });
  }
  for (const lines of groups([...parts])) {
    charts.push({
      ...axes('value', lines),
      title: 'Parts of the loss, and figures',
      caption: 'Before they are weighted and added up, on the batches of training.',
      smooth: true,
    });
  }
  const single = [
    ['learningRate', 'Learning rate', 'As the schedule gives it.', false],
    ['gradientNorm', 'Norm of the gradients', 'Before clipping. Peaks are batches that pull hard.', true],
    ['samplesPerSecond', 'Speed', 'Samples that are learned from in a second.', true],
  ] as const;
  for (const [name, title, caption, smooth] of single) {
    const points = history.training(name);
    if (points.length > 0)
      charts.push({ ...axes(UNITS[name], [{ name: title.toLowerCase(), points }]), title, caption, smooth });
  }
  return charts;
}

const UNITS = { learningRate: 'rate', gradientNorm: 'norm', samplesPerSecond: 'samples/s' } as const;

/** Questions with the answers to them, as the report shows them. */
export function runSamples(history: RunHistory): ReportSample[] {
  return history.questions.map(({ question, expected, picture, answers }) => ({
    question,
    expected,
    picture,
    answers,
  }));
}

function axes(yLabel: string, series: readonly ChartSeries[]): Pick<ChartSpec, 'xLabel' | 'yLabel' | 'series'> {
  return { xLabel: 'step', yLabel, series };
}

/** As many lines in each chart as can be told apart. */
function groups(curves: readonly (readonly [name: string, points: readonly CurvePoint[]])[]): ChartSeries[][] {
  const lines = curves.map(([name, points]) => ({ name, points }));
  const charts: ChartSeries[][] = [];
  for (let i = 0; i < lines.length; i += MOST_LINES) charts.push(lines.slice(i, i + MOST_LINES));
  return charts;
}
