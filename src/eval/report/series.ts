/** x and y; a y that is not finite is a gap. */
export type Point = readonly [x: number, y: number];

/** The pieces between gaps, each with at least one point. */
export function finiteRuns(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [];
  let current: Point[] = [];
  for (const point of points) {
    if (Number.isFinite(point[0]) && Number.isFinite(point[1])) {
      current.push(point);
    } else if (current.length > 0) {
      runs.push(current);
      current = [];
    }
  }
  if (current.length > 0) runs.push(current);
  return runs;
}

/**
 * At most about `most` points that look the same when drawn: of each bucket the first, least, greatest and last, so
 * no peak is lost.
 */
export function thin(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  const buckets = Math.max(1, Math.floor(most / 4));
  const kept: Point[] = [];
  for (let b = 0; b < buckets; b++) {
    const start = Math.floor((b * points.length) / buckets);
    const end = Math.floor(((b + 1) * points.length) / buckets);
    let least = start;
    let greatest = start;
    for (let i = start; i < end; i++) {
      if (points[i]![1] < points[least]![1]) least = i;
      if (points[i]![1] > points[greatest]![1]) greatest = i;
    }
    const indexes = [...new Set([start, least, greatest, end - 1])].sort((a, c) => a - c);
    for (const i of indexes) kept.push(points[i]!);
  }
  return kept;
}

/** Mean of each point and up to `reach` finite neighbours on either side; gaps stay gaps. */
export function movingAverage(points: readonly Point[], reach: number): Point[] {
  // Sums up to each point make every window one subtraction.
  const sums = [0];
  const counts = [0];
  for (const [, y] of points) {
    const finite = Number.isFinite(y);
    sums.push(sums.at(-1)! + (finite ? y : 0));
    counts.push(counts.at(-1)! + (finite ? 1 : 0));
  }
  return points.map(([x, y], i) => {
    if (!Number.isFinite(y)) return [x, y];
    const from = Math.max(0, i - reach);
    const to = Math.min(points.length, i + reach + 1);
    return [x, (sums[to]! - sums[from]!) / (counts[to]! - counts[from]!)];
  });
}
