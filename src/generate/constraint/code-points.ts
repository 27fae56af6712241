import type { Expression, Expressions } from './expression.ts';

/** Letters of Unicode: ranges with both ends, in order and apart from each other. */
export type CodePoints = readonly (readonly [low: number, high: number])[];

const LAST = 0x10_ffff;
/** Letters as their UTF-8 grows longer, without the surrogates, which have none. */
const SPANS: CodePoints = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x1_0000, LAST],
];

export const ALL: CodePoints = [[0, LAST]];

export function normalized(ranges: CodePoints): CodePoints {
  const result: [number, number][] = [];
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else result.push([low, high]);
  }
  return result;
}

export function without(ranges: CodePoints): CodePoints {
  const result: [number, number][] = [];
  let next = 0;
  for (const [low, high] of normalized(ranges)) {
    if (low > next) result.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= LAST) result.push([next, LAST]);
  return result;
}

/** The part of the letters that lies in a range. */
export function within(ranges: CodePoints, from: number, to: number): CodePoints {
  return ranges.flatMap(([low, high]) =>
    low > to || high < from ? [] : [[Math.max(low, from), Math.min(high, to)] as const],
  );
}

/** One letter of a set, in UTF-8. */
export function letter(expressions: Expressions, ranges: CodePoints): Expression {
  const options = SPANS.flatMap(([from, to]) =>
    within(normalized(ranges), from, to).map(([low, high]) =>
      between(expressions, utf8(low), utf8(high), [0x80, 0xbf]),
    ),
  );
  return expressions.choice(...options);
}

/**
 * Strings of one length that lie between two in the order of their bytes.
 * @param rest the least and the largest byte that may stand behind the first
 */
export function between(
  expressions: Expressions,
  low: readonly number[],
  high: readonly number[],
  rest: readonly [number, number],
): Expression {
  const [first, ...lows] = low as [number, ...number[]];
  const [last, ...highs] = high as [number, ...number[]];
  if (lows.length === 0) return expressions.byte(first, last);
  if (first === last) return expressions.sequence(expressions.byte(first), between(expressions, lows, highs, rest));
  const options: Expression[] = [];
  const [isLeast, isMost] = [lows.every((byte) => byte === rest[0]), highs.every((byte) => byte === rest[1])];
  const most = lows.map(() => rest[1]);
  const least = lows.map(() => rest[0]);
  if (!isLeast) options.push(expressions.sequence(expressions.byte(first), between(expressions, lows, most, rest)));
  const [from, to] = [isLeast ? first : first + 1, isMost ? last : last - 1];
  if (from <= to)
    options.push(expressions.sequence(expressions.byte(from, to), ...lows.map(() => expressions.byte(...rest))));
  if (!isMost) options.push(expressions.sequence(expressions.byte(last), between(expressions, least, highs, rest)));
  return expressions.choice(...options);
}

function utf8(codePoint: number): number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(codePoint))];
}
