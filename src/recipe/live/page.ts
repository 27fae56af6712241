/** The page that shows a run while it goes on: a shell that never changes, and parts that are sent when they do. */
import { formatDuration, formatFigure } from '../../core/progress.ts';
import type { HeadlineFigure } from '../../eval/report/index.ts';
import { renderChart } from '../../eval/report/chart.ts';
import { escapeHtml, formatPercent } from '../../eval/report/html.ts';
import { renderSamples } from '../../eval/report/samples.ts';
import { REPORT_STYLE } from '../../eval/report/style.ts';
import { renderHeadline } from '../../eval/report/tables.ts';
import type { RunHistory } from '../../train/index.ts';
import { runCharts, runSamples } from '../run-charts.ts';

/** What is known of a run besides its records. */
export interface LiveRun {
  /** Name of the recipe or the run. */
  readonly title: string;
  readonly history: RunHistory;
  /** Part of the run that is over, 0 to 1. */
  readonly progress: number;
  /** Steps of the whole run, where they are known. */
  readonly totalSteps: number | undefined;
  readonly seconds: number;
  readonly secondsLeft: number | undefined;
  /** In a few words, e.g. `learning`. */
  readonly state: string;
  /** The latest lines that the terminal shows above its bar. */
  readonly notes: readonly string[];
}

/** HTML of the page's parts by the ids of the elements that hold them. */
export type LiveParts = Readonly<Record<'state' | 'headline' | 'curves' | 'samples' | 'notes', string>>;

export function liveParts(run: LiveRun): LiveParts {
  const { history, progress, seconds, secondsLeft, state, notes } = run;
  const share = Math.min(1, Math.max(0, progress));
  const charts = runCharts(history);
  const samples = runSamples(history);
  const left = secondsLeft === undefined || share >= 1 ? '' : `, ${formatDuration(secondsLeft)} left`;
  return {
    state: `<p class="lede">${escapeHtml(state)} · ${formatDuration(seconds)}${left}</p><progress max="1" value="${share}" aria-label="Part of the run that is over">${formatPercent(share)}</progress>`,
    headline: renderHeadline(headline(run)),
    curves:
      charts.length === 0
        ? '<p class="empty">The first step has not been made yet.</p>'
        : `<div class="charts">${charts.map((chart, i) => renderChart(chart, `chart-${i}`)).join('')}</div>`,
    samples: samples.length === 0 ? '' : `<h2>What it writes</h2>${renderSamples(samples)}`,
    notes:
      notes.length === 0
        ? ''
        : `<h2>Notes</h2><ul class="caveats">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`,
  };
}

function headline({ history, totalSteps, progress }: LiveRun): HeadlineFigure[] {
  const { last } = history;
  if (last === undefined) return [];
  const of = totalSteps === undefined ? '' : `of ${totalSteps}, `;
  const figures: HeadlineFigure[] = [
    { label: 'loss', value: formatFigure(last.loss) },
    { label: 'step', value: String(last.step), detail: `${of}${formatPercent(progress)}` },
    { label: 'samples/s', value: formatFigure(last.samplesPerSecond) },
  ];
  const [judged] = [...history.validation].filter(([name]) => name !== 'loss');
  const latest = judged?.[1].at(-1);
  const extremes = judged && history.extremes(judged[0]);
  if (latest && extremes)
    figures.push({
      label: judged[0],
      value: formatFigure(latest[1]),
      detail: `between ${formatFigure(extremes.least[1])} and ${formatFigure(extremes.greatest[1])}`,
    });
  return figures;
}

/** Takes the parts as they come. Nothing of the page comes from elsewhere, and what is sent was escaped by the sender. */
export const LIVE_SCRIPT: string = `
const events = new EventSource('events');
const lost = document.getElementById('lost');
events.onopen = () => { lost.hidden = true; };
events.onerror = () => { lost.hidden = false; };
events.onmessage = ({ data }) => {
  const { title, ended, parts } = JSON.parse(data);
  document.title = title;
  for (const [id, html] of Object.entries(parts)) document.getElementById(id).innerHTML = html;
  if (ended) events.close();
};
`.trim();

/** @param nonce of the one script */
export function livePage(run: LiveRun, nonce: string): string {
  const parts = liveParts(run);
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(liveTitle(run))}</title>`,
    `<style>${REPORT_STYLE}</style>`,
    '<noscript><meta http-equiv="refresh" content="5"></noscript>',
    '</head>',
    '<body>',
    '<div class="page">',
    '<header>',
    '<p class="eyebrow">Sensorium, training</p>',
    `<h1>${escapeHtml(run.title)}</h1>`,
    `<div id="state">${parts.state}</div>`,
    '<p class="empty" id="lost" role="status" hidden>The run does not answer any more: it has ended, or its process was stopped.</p>',
    '</header>',
    '<main>',
    `<div id="headline">${parts.headline}</div>`,
    `<section><h2>Learning curves</h2><div id="curves">${parts.curves}</div></section>`,
    `<section id="samples">${parts.samples}</section>`,
    `<section id="notes">${parts.notes}</section>`,
    '</main>',
    '</div>',
    `<script nonce="${nonce}">${LIVE_SCRIPT}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** What stands in the browser's tab. */
export function liveTitle({ title, progress }: LiveRun): string {
  return `${Math.floor(100 * Math.min(1, Math.max(0, progress)))} % · ${title}`;
}
