/** An axis: where a value lies between 0 and 1, and which values get a label. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  /** From the axis' low end (0) to its high end (1). */
  place(value: number): number;
}

/** A linear axis over `[low, high]`, rounded outwards to round values unless `exact`. */
export function linearScale(low: number, high: number, wantedTicks: number, exact = false): Scale {
  if (!(high > low)) {
    const margin = Math.abs(low) > 0 ? Math.abs(low) * 0.1 : 1;
    [low, high] = [low - margin, high + margin];
  }
  const step = roundStep((high - low) / wantedTicks);
  const first = exact ? Math.ceil(low / step - 1e-9) : Math.floor(low / step + 1e-9);
  const last = exact ? Math.floor(high / step + 1e-9) : Math.ceil(high / step - 1e-9);
  const ticks: number[] = [];
  // Multiplied, not added up, so that 0.3 stays 0.3.
  for (let i = first; i <= last; i++) ticks.push(Number((i * step).toPrecision(12)));
  const from = exact ? low : ticks[0]!;
  const to = exact ? high : ticks.at(-1)!;
  return { low: from, high: to, ticks, place: (value) => (value - from) / (to - from) };
}

/** A logarithmic axis over positive values, with ticks at powers of ten, or at 1, 2 and 5 of each where those are few. */
export function logScale(low: number, high: number): Scale {
  if (!(high > low)) [low, high] = [low / 2, high * 2];
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  const every = Math.ceil((last - first) / 6);
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) {
    for (const digit of last - first <= 2 ? [1, 2, 5] : [1]) {
      const tick = Number((digit * 10 ** power).toPrecision(3));
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  const from = Math.log(low);
  const to = Math.log(high);
  return { low, high, ticks, place: (value) => (Math.log(value) - from) / (to - from) };
}

/** The least of 1, 2, 2.5, 5 times a power of ten that is not below `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const digit = [1, 2, 2.5, 5, 10].find((round) => round * power >= step * (1 - 1e-9)) ?? 10;
  return digit * power;
}

/**
 * A tick's label: `0.25`, `1.5k`, `3e-4`.
 * @param largest the axis' largest tick: where all are small, all are written with an exponent
 */
export function formatTick(value: number, percent: boolean, largest: number = value): string {
  if (percent) return `${Number((100 * value).toPrecision(6))}%`;
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 1000 && size < 1e9) {
    return size >= 1e6 ? `${Number((value / 1e6).toPrecision(4))}M` : `${Number((value / 1000).toPrecision(4))}k`;
  }
  if (Math.abs(largest) < 5e-3 || size < 1e-4 || size >= 1e9) {
    return value
      .toExponential(3)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  }
  return String(Number(value.toPrecision(6)));
}
