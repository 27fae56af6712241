import { renderChart } from './chart.ts';
import { escapeHtml } from './html.ts';
import { renderAttention, renderMistakes } from './pictures.ts';
import { renderSamples } from './samples.ts';
import { REPORT_STYLE } from './style.ts';
import { renderAccuracy, renderConfusion, renderFacts, renderHeadline, renderLicences } from './tables.ts';
import type { TrainingReport } from './types.ts';

/** What the report may load and run: pictures and styles of its own, and nothing else, no scripts at all. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

interface Section {
  readonly id: string;
  readonly title: string;
  readonly lead: string;
  readonly body: string;
}

/**
 * One self-contained HTML page: no scripts, no external files, pictures and charts inside. Sections without contents are
 * left out, except accuracy where a test was to be made: its absence a reader should notice.
 * @returns the whole document
 * @throws DataError when counts or pictures of the report cannot be
 */
export async function renderReport(report: TrainingReport): Promise<string> {
  const sections = await renderSections(report);
  const links = sections.map(({ id, title }) => `<li><a href="#${id}">${title}</a></li>`).join('');
  const bodies = sections.map(
    ({ id, title, lead, body }) =>
      `<section id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${title}</h2><p>${lead}</p>${body}</section>`,
  );
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="referrer" content="no-referrer">',
    `<title>${escapeHtml(report.title)}</title>`,
    `<style>${REPORT_STYLE}</style>`,
    '</head>',
    '<body>',
    '<a class="skip" href="#main">Skip to the results</a>',
    '<div class="page">',
    '<header>',
    `<p class="eyebrow">${escapeHtml(report.run)} · <time datetime="${escapeHtml(report.createdAt)}">${escapeHtml(
      readableTime(report.createdAt),
    )}</time></p>`,
    `<h1>${escapeHtml(report.title)}</h1>`,
    `<p class="lede">${escapeHtml(report.summary)}</p>`,
    `<nav aria-label="Sections"><ul>${links}</ul></nav>`,
    '</header>',
    `<main id="main">${renderHeadline(report.headline)}`,
    ...bodies,
    '</main>',
    '<footer>Written by Sensorium. This file needs no network and holds no scripts.</footer>',
    '</div>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

async function renderSections(report: TrainingReport): Promise<Section[]> {
  const sections: Section[] = [];
  if (report.accuracy) {
    sections.push({
      id: 'accuracy',
      title: 'Accuracy',
      lead: 'How often the answer was right on data that no training step has seen, overall and by what was asked.',
      body: renderAccuracy(report.accuracy, report.chance),
    });
  }
  if (report.confusion) {
    sections.push({
      id: 'confusion',
      title: 'Confusion',
      lead: 'Which answers were taken for which.',
      body: renderConfusion(report.confusion),
    });
  }
  if (report.charts.length > 0) {
    sections.push({
      id: 'curves',
      title: 'Learning curves',
      lead: 'What happened while the model learned.',
      body: `<div class="charts">${report.charts.map((chart, i) => renderChart(chart, `chart-${i}`)).join('')}</div>`,
    });
  }
  if (report.samples) {
    sections.push({
      id: 'samples',
      title: 'What it wrote',
      lead: 'Answers to the same questions at several steps, the first ones above.',
      body: renderSamples(report.samples),
    });
  }
  if (report.mistakes) {
    sections.push({
      id: 'mistakes',
      title: 'Most confident mistakes',
      lead: 'Wrong answers that the model was surest of. They say more about a model than its right ones.',
      body: await renderMistakes(report.mistakes),
    });
  }
  if (report.attention && report.attention.length > 0) {
    sections.push({
      id: 'attention',
      title: 'Where the words look',
      lead:
        'Weights of the cross-attention from each word to the patches of the picture, averaged over heads. Attention shows ' +
        'what was read, not why an answer was given.',
      body: await renderAttention(report.attention, report.heatColours),
    });
  }
  if (report.facts.length > 0 || report.recipe !== undefined) {
    sections.push({
      id: 'run',
      title: 'The run',
      lead: 'Everything needed to do it again.',
      body: `${renderFacts(report.facts)}${
        report.recipe === undefined
          ? ''
          : `<details><summary>The whole recipe</summary><pre tabindex="0"><code>${escapeHtml(report.recipe)}</code></pre></details>`
      }`,
    });
  }
  if (report.caveats.length > 0) {
    sections.push({
      id: 'caveats',
      title: 'How far this goes',
      lead: 'What the figures above do not say.',
      body: `<ul class="caveats">${report.caveats.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>`,
    });
  }
  if (report.licences.length > 0) {
    sections.push({
      id: 'licences',
      title: 'Data and licences',
      lead: 'Whose work this stands on.',
      body: renderLicences(report.licences),
    });
  }
  return sections;
}

/** `2026-11-23T22:57:12Z` → `23 November 2026, 22:57 UTC`; anything else stays as it is. */
function readableTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(time);
  return `${day}, ${time.toISOString().slice(11, 16)} UTC`;
}
