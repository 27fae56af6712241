import type { Figure } from './figures.ts';
import type { SuiteResult } from './evaluate-suite.ts';

/** What a figure has to reach. */
export interface Bar {
  /** Name of the figure; `vqa: colour` is the accuracy of that kind. */
  readonly figure: string;
  readonly value: number;
  readonly least: number;
  /** Where the bar comes from, when it is not a number by itself. */
  readonly because?: string;
  readonly passed: boolean;
}

/** What is asked of figures by themselves. */
export const LEAST: Readonly<Record<string, number>> = {
  vqa: 0.78,
  'grounding@0.5': 0.7,
  'naming-en': 0.35,
  'retrieval-r1-1000': 0.3,
  'steps-all-right': 0.6,
};

/** How far every kind of question must lie above what is answered without looking. */
const ABOVE_FLOOR = 0.2;
/** Where more than this is answered without looking, half of what is left must be answered by looking. */
const HIGH_FLOOR = 0.7;
/** How far Chinese names may lie below English ones. */
const NAMING_GAP = 0.05;

/** Holds figures against the bars of the suite. @param floor the same questions, answered without pictures */
export function barsOf({ figures, kinds }: SuiteResult, floor?: SuiteResult): Bar[] {
  const bar = (figure: string, { value }: Figure, least: number, because?: string): Bar => ({
    figure,
    value,
    least,
    // Sums of tenths are not exact.
    passed: value >= least - 1e-9,
    ...(because === undefined ? {} : { because }),
  });
  const bars: Bar[] = [];
  for (const [name, least] of Object.entries(LEAST)) {
    const figure = figures[name];
    if (figure !== undefined) bars.push(bar(name, figure, least));
    if (name !== 'naming-en') continue;
    const chinese = figures['naming-zh'];
    if (figure !== undefined && chinese !== undefined)
      bars.push(bar('naming-zh', chinese, Math.max(0, figure.value - NAMING_GAP), 'within 5 points of English'));
  }
  for (const [kind, figure] of Object.entries(kinds)) {
    const blind = floor?.kinds[kind];
    if (blind === undefined) continue;
    const [least, because] =
      blind.value > HIGH_FLOOR
        ? [(1 + blind.value) / 2, 'half of what the floor leaves']
        : [blind.value + ABOVE_FLOOR, '20 points above the floor'];
    bars.push(bar(`vqa: ${kind}`, figure, least, because));
  }
  return bars;
}
