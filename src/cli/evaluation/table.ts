import { figureText, type SuiteSummary, type SummaryFigure } from '../../eval/index.ts';

type Row = readonly [name: string, figure: SummaryFigure];

/** Figures as a table: value, interval, bar, floor, and what drawings by known studios give. */
export function summaryTable(summary: SuiteSummary & { readonly seconds: number }): string {
  const { figures, kinds, languages, skipped, passed, seconds } = summary;
  const indented = (rows: Readonly<Record<string, SummaryFigure>>): Row[] =>
    Object.entries(rows).map(([name, figure]) => [`  ${name}`, figure]);
  const rows: Row[] = Object.entries(figures).flatMap(([name, figure]): Row[] =>
    name === 'vqa' ? [[name, figure], ...indented(kinds), ...indented(languages)] : [[name, figure]],
  );
  const all = rows.map(([, figure]) => figure);
  const columns = [
    { head: '', cells: rows.map(([name]) => name) },
    { head: 'value', cells: all.map(({ value }) => figureText(value)) },
    { head: '95 %', cells: all.map(({ low, high }) => `${figureText(low)} to ${figureText(high)}`) },
    { head: 'of', cells: all.map(({ count }) => String(count)) },
    { head: 'floor', cells: all.map(({ floor }) => (floor === undefined ? '' : figureText(floor))) },
    { head: 'seen', cells: all.map(({ seen }) => (seen === undefined ? '' : figureText(seen))) },
    { head: 'bar', cells: all.map(({ bar }) => (bar === undefined ? '' : `≥ ${figureText(bar.least)}`)) },
    { head: '', cells: all.map(({ bar }) => (bar === undefined ? '' : bar.passed ? 'pass' : 'MISS')) },
    { head: '', cells: all.map(({ bar }) => bar?.because ?? '') },
  ].filter(({ cells }) => cells.some((cell) => cell !== ''));
  const widths = columns.map(({ head, cells }) => Math.max(head.length, ...cells.map((cell) => cell.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) =>
        /^(value|of|floor|seen|bar)$/.test(columns[i]!.head) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
      )
      .join('  ')
      .trimEnd();
  const lines = [
    `${summary.model} on ${summary.suite}`,
    '',
    line(columns.map(({ head }) => head)),
    ...rows.map((_, i) => line(columns.map(({ cells }) => cells[i]!))),
    '',
  ];
  if (skipped.length > 0) lines.push(`not asked, because the model cannot do it: ${skipped.join(', ')}`);
  if (passed !== undefined) lines.push(passed ? 'every bar is met' : 'not every bar is met');
  lines.push(`${seconds.toFixed(1)} seconds`);
  return `${lines.join('\n')}\n`;
}
