/** One measured figure. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, and in how many of the same unit that did the same. */
  readonly peer?: string;
  readonly peerValue?: number;
  /** How many times better than the peer Sensorium is: above 1 is better, whatever the unit. */
  readonly ratio?: number;
  readonly note?: string;
}

export interface BenchOptions {
  /** Alternating rounds; each gives one value to the medians. */
  readonly rounds: number;
  readonly threads: number;
  /** A Python with PyTorch, for peers; without one they are left out with a note. */
  readonly python?: string;
  /** A node_modules folder that holds the JavaScript peers. */
  readonly modules?: string;
  /** Tiles of a picture. */
  readonly tiles?: number;
  /** Folder or tar of a benchmark's data. */
  readonly data?: string;
  /** Folder of a model, in place of one that the measurement makes. */
  readonly model?: string;
  /** Measure one long answer instead. */
  readonly long?: boolean;
  /** How long a load goes on. */
  readonly minutes?: number;
  /** How many ask at a time. */
  readonly clients?: number;
  /** Disturb the stages of the starter's recipes instead. */
  readonly starter?: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
