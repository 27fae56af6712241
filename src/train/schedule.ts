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

/** Rate for a step, counted from 0. Cosine: Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts. */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { kind, learningRate, warmup, total, floor = 0 } = schedule;
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  if (kind === 'constant') return learningRate;
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - warmup));
  const shape = kind === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return learningRate * (floor + (1 - floor) * shape);
}
