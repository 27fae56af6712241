import { figureText, type SuiteSummary, type SummaryFigure } from '../suites/summary.ts';
import { closingSections } from './closing.ts';
import { type PageSection, renderPage } from './document.ts';
import { escapeHtml, formatCount } from './html.ts';
import { image, quote } from './pictures.ts';
import type { DataLicence, FactGroup, ReportPicture, ReportText } from './types.ts';

/** An answer as it is shown. All texts are escaped. */
export interface ShownAnswer {
  readonly picture: ReportPicture;
  readonly kind: string;
  readonly question: ReportText;
  readonly answer: string;
  readonly truth: string;
  readonly right: boolean;
}

/** What a page of a suite shows besides its figures. */
export interface SuitePage {
  readonly summary: SuiteSummary;
  readonly createdAt: string;
  readonly mistakes: readonly ShownAnswer[];
  readonly facts: readonly FactGroup[];
  readonly licences: readonly DataLicence[];
  readonly caveats: readonly string[];
}

/** Figures of a suite with their bars, and wrong answers. @returns a whole HTML document */
export async function renderSuitePage(page: SuitePage): Promise<string> {
  const { summary, mistakes } = page;
  const sections: PageSection[] = [
    {
      id: 'figures',
      title: 'Figures',
      lead: 'With 95 % intervals. A bar is what was asked for before the model was trained.',
      body: table(summary.figures, 'Figure'),
    },
  ];
  if (Object.keys(summary.kinds).length > 0)
    sections.push({
      id: 'kinds',
      title: 'Questions by kind',
      lead: 'Share of right answers. The floor is what is answered without the picture.',
      body: table({ ...summary.kinds, ...named(summary.languages) }, 'Kind'),
    });
  if (mistakes.length > 0)
    sections.push({
      id: 'mistakes',
      title: 'Wrong answers',
      lead: 'Drawn by chance from all of them.',
      body: await cards(mistakes),
    });
  sections.push(...closingSections(page));
  const headline = Object.entries(summary.figures)
    .slice(0, 4)
    .map(([label, { value, low, high }]) => ({
      label,
      value: figureText(value),
      detail: `95 %: ${figureText(low)} to ${figureText(high)}`,
    }));
  const head = {
    title: `${summary.model} on ${summary.suite}`,
    summary: verdictOf(summary),
    run: summary.suite,
    createdAt: page.createdAt,
    headline,
  };
  return renderPage(head, sections);
}

function named(languages: SuiteSummary['languages']): Record<string, SummaryFigure> {
  return Object.fromEntries(Object.entries(languages).map(([language, figure]) => [`all kinds, ${language}`, figure]));
}

function verdictOf({ passed, skipped }: SuiteSummary): string {
  const parts = [passed === undefined ? '' : passed ? 'Every bar is met.' : 'Not every bar is met.'];
  if (skipped.length > 0) parts.push(`The model was not asked for what it cannot do: ${skipped.join(', ')}.`);
  return parts.filter((part) => part !== '').join(' ') || 'What a model answers, and how much of it is right.';
}

function table(figures: Readonly<Record<string, SummaryFigure>>, title: string): string {
  const all = Object.values(figures);
  const [floors, seen, bars] = [
    all.some(({ floor }) => floor !== undefined),
    all.some((figure) => figure.seen !== undefined),
    all.some(({ bar }) => bar !== undefined),
  ];
  const cell = (value: number | undefined): string =>
    `<td class="number">${value === undefined ? '' : figureText(value)}</td>`;
  const rows = Object.entries(figures).map(([name, figure]) => {
    const { value, low, high, count, bar, floor } = figure;
    const verdict = bar === undefined ? '' : barText(bar);
    return (
      `<tr><th scope="row">${escapeHtml(name)}<small>${formatCount(count)}</small></th><td class="number">${figureText(value)}<small>${figureText(low)} – ${figureText(high)}</small></td>` +
      `<td class="strip"><div aria-hidden="true">${strip(figure)}</div></td>${bars ? `<td class="number">${verdict}</td>` : ''}${floors ? cell(floor) : ''}${seen ? cell(figure.seen) : ''}</tr>`
    );
  });
  const heads = [
    `<th scope="col">${title}</th><th scope="col" class="number">Value</th><th scope="col" class="strip">0 to 1</th>`,
    bars ? '<th scope="col" class="number">Bar</th>' : '',
    floors ? '<th scope="col" class="number">Floor</th>' : '',
    seen ? '<th scope="col" class="number">Seen studios</th>' : '',
  ].join('');
  return `<div class="scroll" role="region" aria-label="${title}" tabindex="0"><table class="accuracy"><thead><tr>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function barText({ least, passed, because }: NonNullable<SummaryFigure['bar']>): string {
  const met = `<span class="${passed ? 'right' : 'wrong'}">${passed ? '✓ met' : '✗ missed'}</span>`;
  return `≥ ${figureText(least)} ${met}${because === undefined ? '' : `<small>${escapeHtml(because)}</small>`}`;
}

function strip({ value, low, high }: SummaryFigure): string {
  const place = (share: number): string => `${(100 * share).toFixed(2)}%`;
  return `<i class="range" style="left:${place(low)};right:${place(1 - high)}"></i><i class="dot" style="left:${place(value)}"></i>`;
}

async function cards(answers: readonly ShownAnswer[]): Promise<string> {
  const items = answers.map(async ({ picture, kind, question, answer, truth, right }) => {
    const said = `<p class="verdict"><span class="${right ? 'right' : 'wrong'}"><span aria-hidden="true">${right ? '✓' : '✗'}</span> ${escapeHtml(answer)}</span></p>`;
    return `<li><figure>${await image(picture, 'What was asked about')}<figcaption>${quote(question)}${said}<p class="truth">truth: <b>${escapeHtml(truth)}</b></p><p class="note">${escapeHtml(kind)}</p></figcaption></figure></li>`;
  });
  return `<ol class="cards">${(await Promise.all(items)).join('')}</ol>`;
}
