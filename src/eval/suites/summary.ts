import { type Bar, barsOf } from './bars.ts';
import type { Figure } from './figures.ts';
import type { SuiteResult } from './evaluate-suite.ts';
import type { SuitePart } from './picture-suite.ts';

/** A figure with what stands beside it. */
export interface SummaryFigure extends Figure {
  /** What it has to reach, where that is said. */
  readonly bar?: Pick<Bar, 'least' | 'passed' | 'because'>;
  /** What the model reaches that is not shown the pictures. */
  readonly floor?: number;
  /** The same figure on drawings by studios that it was trained on. */
  readonly seen?: number;
}

/** Figures of a suite as they are printed and kept. The form of version 1 stays as it is; what is new gets a new key. */
export interface SuiteSummary {
  readonly version: 1;
  readonly suite: string;
  readonly model: string;
  readonly figures: Readonly<Record<string, SummaryFigure>>;
  readonly kinds: Readonly<Record<string, SummaryFigure>>;
  readonly languages: Readonly<Record<string, SummaryFigure>>;
  /** Parts that the model cannot do. */
  readonly skipped: readonly SuitePart[];
  /** Whether every bar is met; absent where none is set. */
  readonly passed?: boolean;
}

/** What is held beside the figures of a suite. */
export interface Beside {
  /** The same questions, answered without pictures. */
  readonly floor?: SuiteResult | undefined;
  /** The suite made of drawings by studios that the model was trained on. */
  readonly seen?: SuiteResult | undefined;
  /** Whether the figures are held against the suite's bars. */
  readonly bars?: boolean;
}

export function summarize(result: SuiteResult, { floor, seen, bars: wanted = false }: Beside = {}): SuiteSummary {
  const bars = wanted ? barsOf(result, floor) : [];
  const found = new Map(bars.map((bar) => [bar.figure, bar]));
  const beside = (
    name: string,
    figure: Figure,
    others: { readonly floor: Figure | undefined; readonly seen: Figure | undefined },
  ): SummaryFigure => {
    const bar = found.get(name);
    return {
      ...figure,
      ...(bar === undefined ? {} : { bar: shortBar(bar) }),
      ...(others.floor === undefined ? {} : { floor: others.floor.value }),
      ...(others.seen === undefined ? {} : { seen: others.seen.value }),
    };
  };
  const table = (key: 'figures' | 'kinds' | 'languages', prefix: string): Record<string, SummaryFigure> =>
    Object.fromEntries(
      Object.entries(result[key]).map(([name, figure]) => [
        name,
        beside(prefix + name, figure, { floor: floor?.[key][name], seen: seen?.[key][name] }),
      ]),
    );
  return {
    version: 1,
    suite: result.suite,
    model: result.model,
    figures: table('figures', ''),
    kinds: table('kinds', 'vqa: '),
    languages: table('languages', 'language: '),
    skipped: result.skipped,
    ...(bars.length === 0 ? {} : { passed: bars.every(({ passed }) => passed) }),
  };
}

function shortBar({ least, passed, because }: Bar): NonNullable<SummaryFigure['bar']> {
  return { least, passed, ...(because === undefined ? {} : { because }) };
}

/** A figure as it is read: `0.812`. */
export function figureText(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : '–';
}
