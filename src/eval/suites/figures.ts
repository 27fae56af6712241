import { DataError, Random } from '../../core/index.ts';
import { type Interval, wilsonInterval } from '../metrics.ts';

/** A figure of a suite with its 95 % interval. */
export interface Figure extends Interval {
  readonly value: number;
  /** What was counted: questions, phrases, captions, pictures. */
  readonly count: number;
}

/** How well one item was done. Items of one group, such as questions about one scene, depend on each other. */
export interface ScoredItem {
  readonly group: string;
  /** 0 to 1; 1 is right. */
  readonly score: number;
}

/** Enough for the second digit of an interval's ends. */
const RESAMPLES = 1000;

/**
 * Mean of all scores. The interval is the percentile bootstrap over groups (Efron 1979, "Bootstrap methods"; whole groups
 * are drawn, since their items are not independent), and where all scores are 0 or 1 never narrower than Wilson's, since a
 * bootstrap of items that are all right has no width.
 * @throws DataError when there is no item
 */
export function meanFigure(items: readonly ScoredItem[]): Figure {
  return macroFigure(new Map([['', items]]));
}

/**
 * Mean over classes of the means of their scores: every class counts the same, however many items it has. Interval as
 * {@link meanFigure}, all classes being drawn together.
 * @throws DataError when there is no class or one has no item
 */
export function macroFigure(classes: ReadonlyMap<string, readonly ScoredItem[]>): Figure {
  const lists = [...classes.values()];
  const count = lists.reduce((sum, items) => sum + items.length, 0);
  if (lists.length === 0 || lists.some((items) => items.length === 0))
    throw new DataError('there is nothing to make a figure of', 'ask at least one question of each kind');
  const value = mean(lists.map((items) => mean(items.map(({ score }) => score))));
  const { low, high } = widest(bootstrap(lists, value), wilsonOf(lists, value));
  return { value, low, high, count };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function widest(a: Interval, b: Interval | undefined): Interval {
  return b === undefined ? a : { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

/** Wilson's interval of each class, put together as in `balancedAccuracyInterval`; undefined unless scores are 0 or 1. */
function wilsonOf(lists: readonly (readonly ScoredItem[])[], value: number): Interval | undefined {
  let [below, above] = [0, 0];
  for (const items of lists) {
    if (items.some(({ score }) => score !== 0 && score !== 1)) return undefined;
    const right = items.filter(({ score }) => score === 1).length;
    const { low, high } = wilsonInterval(right, items.length);
    below += (right / items.length - low) ** 2;
    above += (high - right / items.length) ** 2;
  }
  return {
    low: Math.max(0, value - Math.sqrt(below) / lists.length),
    high: Math.min(1, value + Math.sqrt(above) / lists.length),
  };
}

/** Sums and counts of each group and class, drawn with replacement. The same items give the same interval. */
function bootstrap(lists: readonly (readonly ScoredItem[])[], value: number): Interval {
  const groups = [...new Set(lists.flatMap((items) => items.map(({ group }) => group)))];
  const place = new Map(groups.map((group, i) => [group, i]));
  const tallies = lists.map((items) => {
    const sums = new Float64Array(groups.length);
    const counts = new Float64Array(groups.length);
    for (const { group, score } of items) {
      sums[place.get(group)!]! += score;
      counts[place.get(group)!]! += 1;
    }
    return { sums, counts };
  });
  const random = new Random(0);
  const drawn = new Uint32Array(groups.length);
  const values: number[] = [];
  for (let n = 0; n < RESAMPLES; n++) {
    for (let i = 0; i < drawn.length; i++) drawn[i] = random.integer(groups.length);
    const means: number[] = [];
    for (const { sums, counts } of tallies) {
      let [sum, count] = [0, 0];
      for (const group of drawn) {
        sum += sums[group]!;
        count += counts[group]!;
      }
      // A rare class may be drawn not at all.
      if (count > 0) means.push(sum / count);
    }
    if (means.length > 0) values.push(mean(means));
  }
  values.sort((a, b) => a - b);
  const at = (share: number): number => values[Math.round(share * (values.length - 1))] ?? value;
  return { low: Math.min(value, at(0.025)), high: Math.max(value, at(0.975)) };
}
