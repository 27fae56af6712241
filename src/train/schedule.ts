/** How the learning rate goes over a run. */
export interface Schedule {
  readonly kind: 'constant' | 'linear' | 'cosine';
  /** Highest rate. */
  readonly learningRate: number;
  /** Steps over which the rate rises from 0. */
  readonly warmup: number;
  /** Steps of the whole run. */
  readonly total: number;
  /** Lowest rate at the end, as a part of the highest. */
  readonly floor?: number;
}

/**
 * Part of the highest rate that is left when `progress` of the run (0 to 1) is over, warm-up aside. Cosine: Loshchilov and
 * Hutter 2017, arXiv 1608.03983, without restarts.
 */
export function rateShape({ kind, floor = 0 }: Pick<Schedule, 'kind' | 'floor'>, progress: number): number {
  if (kind === 'constant') return 1;
  const clipped = Math.min(1, Math.max(0, progress));
  const shape = kind === 'linear' ? 1 - clipped : 0.5 * (1 + Math.cos(Math.PI * clipped));
  return floor + (1 - floor) * shape;
}

/** Rate for a step, counted from 0. */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { learningRate, warmup, total } = schedule;
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  return learningRate * rateShape(schedule, (step - warmup) / Math.max(1, total - warmup));
}
