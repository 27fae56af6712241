import { DataError } from '../../core/errors.ts';
import { wilsonInterval } from '../metrics.ts';
import { escapeHtml, formatCount, formatPercent, safeUrl } from './html.ts';
import type { AccuracyGroup, AccuracyRow, Confusion, DataLicence, FactGroup, HeadlineFigure } from './types.ts';

/** The few large figures at the top. */
export function renderHeadline(figures: readonly HeadlineFigure[]): string {
  const items = figures.map(
    ({ label, value, detail }) =>
      `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd>${
        detail === undefined ? '' : `<dd class="detail">${escapeHtml(detail)}</dd>`
      }</div>`,
  );
  return items.length === 0 ? '' : `<dl class="headline">${items.join('')}</dl>`;
}

/**
 * Accuracies with their 95 % intervals, as one table that is a plot as well: every row has a strip on a common axis.
 * @throws DataError when a row's counts cannot be
 */
export function renderAccuracy(groups: readonly AccuracyGroup[], chance: number | undefined): string {
  const filled = groups.filter((group) => group.rows.length > 0);
  if (filled.length === 0) return '<p class="empty">Nothing was evaluated.</p>';
  const rows = filled.map((group) => ({ title: group.title, rows: group.rows.map(withInterval) }));
  const lows = rows.flatMap((group) => group.rows.map((row) => row.low));
  const start = axisStart(Math.min(...lows, chance ?? 1));
  const place = (share: number): string => `${((100 * (share - start)) / (1 - start)).toFixed(2)}%`;
  const step = 1 - start > 0.6 ? 0.2 : 0.1;
  const ticks: number[] = [];
  for (let tick = 1; tick >= start - 1e-9; tick -= step) ticks.push(Math.max(0, tick));
  const axis = ticks
    .map(
      (tick, i) =>
        `<span${i % 2 === 1 ? ' class="odd"' : ''} style="left:${place(tick)}">${Math.round(tick * 100)}</span>`,
    )
    .join('');
  const level = chance === undefined ? '' : `<i class="chance" style="left:${place(chance)}"></i>`;
  const bodies = rows.map(
    (group) =>
      `<tbody><tr class="group"><th scope="rowgroup" colspan="3">${escapeHtml(group.title)}</th></tr>${group.rows
        .map(
          (row) =>
            `<tr><th scope="row">${escapeHtml(row.label)}<small>${formatCount(row.correct)} of ${formatCount(
              row.total,
            )}</small></th><td class="number">${formatPercent(row.share)}<small>${(100 * row.low).toFixed(1)} – ${(
              100 * row.high
            ).toFixed(
              1,
            )}</small></td><td class="strip"><div aria-hidden="true">${level}<i class="range" style="left:${place(
              row.low,
            )};right:calc(100% - ${place(row.high)})"></i><i class="dot" style="left:${place(row.share)}"></i></div></td></tr>`,
        )
        .join('')}</tbody>`,
  );
  return `<table class="accuracy"><caption>Share of right answers with 95&nbsp;% intervals (Wilson’s score interval, which takes the answers to be independent)${
    chance === undefined ? '' : `; the dashed line at ${formatPercent(chance)} is what one constant answer reaches`
  }.</caption><thead><tr><th scope="col">Group</th><th scope="col" class="number">Accuracy</th><th scope="col" class="strip"><div class="places" role="img" aria-label="Axis from ${Math.round(
    start * 100,
  )} to 100 percent">${axis}</div></th></tr></thead>${bodies.join('')}</table>`;
}

function withInterval(row: AccuracyRow): AccuracyRow & { share: number; low: number; high: number } {
  return { ...row, share: row.correct / row.total, ...wilsonInterval(row.correct, row.total) };
}

/** The next round number below the least value that must be seen. */
function axisStart(least: number): number {
  return Math.min(0.9, Math.max(0, Math.floor(least * 10 + 1e-9) / 10));
}

/** Truth against prediction; cells are shaded by their share of the row. @throws DataError when it is not square */
export function renderConfusion({ classes, counts }: Confusion): string {
  if (counts.length !== classes.length || counts.some((row) => row.length !== classes.length)) {
    throw new DataError(`a confusion matrix of ${classes.length} classes must have as many rows and columns`);
  }
  const heads = classes.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  const rows = counts.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, predicted) => {
      const share = total > 0 ? count / total : 0;
      const kind = `${predicted === truth ? 'right' : 'wrong'}${share > 0.5 ? ' full' : ''}`;
      return `<td class="${kind}" style="--share:${Math.round(share * 100)}%"><b>${formatCount(count)}</b><small>${formatPercent(
        share,
      )}</small></td>`;
    });
    return `<tr><th scope="row">${escapeHtml(classes[truth]!)}</th>${cells.join('')}</tr>`;
  });
  return `<div class="scroll" role="region" aria-label="Confusion matrix" tabindex="0"><table class="confusion"><caption>Rows are the truth, columns the prediction. Percentages are shares of the row, so the diagonal shows how many of each class were found.</caption><thead><tr><td></td><th scope="colgroup" colspan="${
    classes.length
  }" class="over">predicted</th></tr><tr><th scope="col" class="corner">truth</th>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** Facts of the run, in columns. */
export function renderFacts(groups: readonly FactGroup[]): string {
  return `<div class="facts">${groups
    .map(
      (group) =>
        `<section><h3>${escapeHtml(group.title)}</h3><dl>${group.facts
          .map(({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`)
          .join('')}</dl></section>`,
    )
    .join('')}</div>`;
}

/** Data with licence and credit. */
export function renderLicences(licences: readonly DataLicence[]): string {
  const rows = licences.map((entry) => {
    const url = safeUrl(entry.url);
    const name = escapeHtml(entry.name);
    const link = url === undefined ? name : `<a href="${escapeHtml(url)}" rel="noreferrer noopener">${name}</a>`;
    return `<tr><th scope="row">${link}${entry.credit === undefined ? '' : `<small>${escapeHtml(entry.credit)}</small>`}</th><td>${escapeHtml(
      entry.licence,
    )}</td><td>${escapeHtml(entry.use)}</td></tr>`;
  });
  return `<div class="scroll" role="region" aria-label="Licences" tabindex="0"><table class="licences"><caption>Everything in this run that somebody else made.</caption><thead><tr><th scope="col">Data</th><th scope="col">Licence</th><th scope="col">Used for</th></tr></thead><tbody>${rows.join(
    '',
  )}</tbody></table></div>`;
}
