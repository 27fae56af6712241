const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * A curve in one line of a terminal: a bar of eight heights for each column, from the least value to the greatest. Where
 * there are more values than columns a column is the mean of its values; values that are not finite are gaps.
 */
export function sparkline(values: readonly number[], columns: number): string {
  const count = Math.min(columns, values.length);
  const means: number[] = [];
  for (let i = 0; i < count; i++) {
    const part = values
      .slice(Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count))
      .filter(Number.isFinite);
    means.push(part.reduce((sum, value) => sum + value, 0) / part.length);
  }
  const finite = means.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  return means
    .map((mean) => {
      if (!Number.isFinite(mean)) return ' ';
      return LEVELS[high > low ? Math.round(((mean - low) / (high - low)) * (LEVELS.length - 1)) : 0]!;
    })
    .join('');
}
