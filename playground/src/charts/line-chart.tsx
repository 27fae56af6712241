import type { JSX } from 'preact';

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Which of the page's two line styles. */
  readonly tone: 'first' | 'second';
}

interface LineChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly xLabel: string;
  /** Range of the values; by default from 0 to the greatest. */
  readonly yRange?: readonly [low: number, high: number];
  readonly format: (value: number) => string;
}

const WIDTH = 320;
const HEIGHT = 150;
const MARGIN = { left: 34, right: 8, top: 8, bottom: 24 };

/** A small chart of lines that share their axes. What it shows is also said in words, as its label. */
export function LineChart({ title, lines, xLabel, yRange, format }: LineChartProps): JSX.Element {
  const points = lines.flatMap((line) => line.points);
  const xs = points.map(([x]) => x);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const [y0, y1] = yRange ?? [0, Math.max(...points.map(([, y]) => y)) * 1.05];
  const x = (value: number): number =>
    MARGIN.left + ((value - x0) / (x1 - x0 || 1)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number): number =>
    HEIGHT - MARGIN.bottom - ((value - y0) / (y1 - y0 || 1)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const summary = lines
    .map(({ name, points: [...p] }) => `${name}: ${format(p[0]?.[1] ?? 0)} → ${format(p.at(-1)?.[1] ?? 0)}`)
    .join('; ');
  return (
    <figure class="chart">
      <figcaption>
        {title === '' ? null : <strong>{title}</strong>}
        {lines.map(({ name, tone }) => (
          <span key={name} class={`key ${tone}`}>
            {name}
          </span>
        ))}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title} ${summary}`.trim()}>
        {[y0, (y0 + y1) / 2, y1].map((value) => (
          <g key={value}>
            <line class="rule" x1={MARGIN.left} x2={WIDTH - MARGIN.right} y1={y(value)} y2={y(value)} />
            <text x={MARGIN.left - 5} y={y(value) + 3.5} text-anchor="end">
              {format(value)}
            </text>
          </g>
        ))}
        <text x={WIDTH - MARGIN.right} y={HEIGHT - 6} text-anchor="end">
          {xLabel}
        </text>
        {lines.map((line) => (
          <polyline
            key={line.name}
            class={line.tone}
            points={line.points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(' ')}
          />
        ))}
      </svg>
    </figure>
  );
}
