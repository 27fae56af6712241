import { formatFigure } from '../../core/progress.ts';
import { escapeHtml, formatPercent } from './html.ts';
import { formatTick, linearScale, logScale, type Scale } from './scale.ts';
import { finiteRuns, movingAverage, thin, type Point } from './series.ts';
import type { ChartSeries, ChartSpec } from './types.ts';

// Drawn at about the size at which it is shown, also on a phone, so that its letters keep their size.
const WIDTH = 460;
const HEIGHT = 260;
const PLOT = { left: 52, right: WIDTH - 12, top: 12, bottom: HEIGHT - 42 } as const;
/** Points beyond this number get a moving average where the chart asks for one. */
const SMOOTH_FROM = 50;
/** More points than these cannot be told apart at this width. */
const MAX_POINTS = 500;

/** A line chart as a figure: heading, legend with the last values, inline SVG and caption. */
export function renderChart(spec: ChartSpec, id: string): string {
  const drawn = spec.series.map((series) => ({ name: series.name, points: visible(series, spec) }));
  const points = drawn.flatMap((series) => series.points.filter(isFinitePoint));
  const body =
    points.length === 0
      ? '<p class="empty">There are no points to draw.</p>'
      : `${legend(spec, drawn)}${plot(spec, drawn, points, id)}`;
  return `<figure class="chart"><h3>${escapeHtml(spec.title)}</h3>${body}<figcaption>${escapeHtml(
    spec.caption,
  )}${smoothNote(spec, drawn)}</figcaption></figure>`;
}

interface Drawn {
  readonly name: string;
  readonly points: readonly Point[];
}

function visible(series: ChartSeries, spec: ChartSpec): Point[] {
  return spec.logarithmic
    ? series.points.map(([x, y]): Point => (y > 0 ? [x, y] : [x, Number.NaN]))
    : series.points.map(([x, y]): Point => [x, y]);
}

function isFinitePoint([x, y]: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

function legend(spec: ChartSpec, drawn: readonly Drawn[]): string {
  const items = drawn.map(({ name, points }, i) => {
    const shown = isSmoothed(spec, points) ? movingAverage(points, smoothWindow(points)) : points;
    const last = shown.filter(isFinitePoint).at(-1);
    const value = last ? ` <b>${formatValue(last[1], spec)}</b>` : '';
    return `<li><svg class="key s${i % 6}" viewBox="0 0 22 8" aria-hidden="true"><path d="M1 4H21"/></svg>${escapeHtml(
      name,
    )}${value}</li>`;
  });
  return `<ul class="legend">${items.join('')}</ul>`;
}

function plot(spec: ChartSpec, drawn: readonly Drawn[], points: readonly Point[], id: string): string {
  const x = xScale(points);
  const y = yScale(spec, points);
  const left = (value: number): number => round(PLOT.left + x.place(value) * (PLOT.right - PLOT.left));
  const top = (value: number): number =>
    round(PLOT.bottom - Math.min(1.02, Math.max(-0.02, y.place(value))) * (PLOT.bottom - PLOT.top));
  const line = (run: readonly Point[]): string => {
    const [first] = run;
    // One point alone is a dot: a line of no length with round ends.
    if (first && run.length === 1) return `M${left(first[0])} ${top(first[1])}h0`;
    return `M${run.map(([px, py]) => `${left(px)} ${top(py)}`).join('L')}`;
  };
  const path = (list: readonly Point[], kind: string): string => {
    const d = finiteRuns(list)
      .map((run) => line(thin(run, MAX_POINTS)))
      .join('');
    return d === '' ? '' : `<path class="${kind}" d="${d}"/>`;
  };
  const curves = drawn.map(({ points: list }, i) => {
    const smooth = isSmoothed(spec, list);
    const inner = smooth
      ? path(list, 'raw') + path(movingAverage(list, smoothWindow(list)), 'line')
      : path(list, 'line');
    return `<g class="s${i % 6}">${inner}</g>`;
  });
  const { reference } = spec;
  const level =
    reference && Number.isFinite(reference.value)
      ? `<g class="reference"><path d="M${PLOT.left} ${top(reference.value)}H${PLOT.right}"/><text x="${PLOT.right}" y="${
          top(reference.value) - 5
        }" text-anchor="end">${escapeHtml(reference.label)}</text></g>`
      : '';
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-t ${id}-d">`,
    `<title id="${id}-t">${escapeHtml(spec.title)}</title><desc id="${id}-d">${escapeHtml(describe(spec, drawn))}</desc>`,
    `<g class="grid">${y.ticks.map((tick) => `<path d="M${PLOT.left} ${top(tick)}H${PLOT.right}"/>`).join('')}</g>`,
    `<g class="ticks">`,
    ...y.ticks.map(
      (tick) =>
        `<text x="${PLOT.left - 8}" y="${top(tick) + 4}" text-anchor="end">${formatTick(tick, spec.percent === true, y.ticks.at(-1))}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<text x="${left(tick)}" y="${PLOT.bottom + 18}" text-anchor="middle">${formatTick(tick, false)}</text>`,
    ),
    `</g><path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/>`,
    level,
    ...curves,
    `<text class="name" x="${PLOT.right}" y="${HEIGHT - 6}" text-anchor="end">${escapeHtml(spec.xLabel)} →</text>`,
    `<text class="name" x="2" y="${HEIGHT - 6}">↑ ${escapeHtml(spec.yLabel)}</text>`,
    '</svg>',
  ].join('');
}

function xScale(points: readonly Point[]): Scale {
  const values = points.map(([x]) => x);
  return linearScale(least(values), greatest(values), 5, true);
}

function yScale(spec: ChartSpec, points: readonly Point[]): Scale {
  const values = points.map(([, y]) => y);
  if (spec.reference && (!spec.logarithmic || spec.reference.value > 0)) values.push(spec.reference.value);
  if (spec.yRange) return linearScale(spec.yRange[0], spec.yRange[1], 5, true);
  if (spec.logarithmic) return logScale(least(values), greatest(values));
  // An axis that could begin at 0 at little cost does.
  const low = least(values);
  const high = greatest(values);
  return linearScale(low > 0 && low < high * 0.3 ? 0 : low, high, 5);
}

// Not Math.min(...): a call has room for so many arguments only.
const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const greatest = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
const round = (value: number): number => Math.round(value * 10) / 10;

function isSmoothed(spec: ChartSpec, points: readonly Point[]): boolean {
  return spec.smooth === true && points.length > SMOOTH_FROM;
}

/** Points on either side that a smoothed point is the mean of. */
function smoothWindow(points: readonly Point[]): number {
  return Math.max(2, Math.round(points.length / 60));
}

function smoothNote(spec: ChartSpec, drawn: readonly Drawn[]): string {
  return drawn.some(({ points }) => isSmoothed(spec, points))
    ? ' Faint lines are the values themselves, strong ones their moving average; the figures are where it ends.'
    : '';
}

function formatValue(value: number, spec: ChartSpec): string {
  return spec.percent ? formatPercent(value) : formatFigure(value);
}

/** The chart in words, for those who cannot see it. */
function describe(spec: ChartSpec, drawn: readonly Drawn[]): string {
  const parts = drawn.map(({ name, points }) => {
    const finite = points.filter(isFinitePoint);
    const first = finite[0];
    const last = finite.at(-1);
    if (!first || !last) return `${name}: no points.`;
    const ys = finite.map(([, y]) => y);
    const from = `${formatValue(first[1], spec)} at ${spec.xLabel} ${formatTick(first[0], false)}`;
    const to = `${formatValue(last[1], spec)} at ${spec.xLabel} ${formatTick(last[0], false)}`;
    return `${name}: from ${from} to ${to}; least ${formatValue(least(ys), spec)}, greatest ${formatValue(greatest(ys), spec)}.`;
  });
  return `Line chart of ${spec.yLabel} over ${spec.xLabel}. ${parts.join(' ')}`;
}
