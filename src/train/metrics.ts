import { z } from 'zod';
import { DataError } from '../core/errors.ts';

/** What one training step, or the mean over the steps since the last record, gave. */
export interface TrainRecord {
  readonly kind: 'train';
  /** Steps completed. */
  readonly step: number;
  /** Seconds of training so far, over all resumes. The only field besides `samplesPerSecond` that may differ between equal runs. */
  readonly seconds: number;
  /** The loss that was minimised. */
  readonly loss: number;
  /** Its parts by name, before weighting. */
  readonly parts: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** L2 norm of all gradients before clipping. */
  readonly gradientNorm: number;
  readonly samplesPerSecond: number;
}

/** What an evaluation between steps gave. */
export interface ValidationRecord {
  readonly kind: 'validation';
  readonly step: number;
  readonly seconds: number;
  /** Figures by name, e.g. `{ loss: 0.41, accuracy: 0.83 }`. */
  readonly values: Readonly<Record<string, number>>;
}

export type MetricsRecord = TrainRecord | ValidationRecord;

/** Bytes that one line may have; a longer one was not written by {@link formatMetrics}. */
export const MAX_METRICS_LINE = 65_536;

// JSON has no NaN and no infinities, and exactly these are what one looks for in the file of a failed run.
const NOT_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};
const figure = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform((name) => NOT_FINITE[name]!)]);
const figures = z.record(z.string().min(1).max(200), figure);
const step = z.int().min(0);
const recordSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('train'),
    step,
    seconds: figure,
    loss: figure,
    parts: figures,
    learningRate: figure,
    gradientNorm: figure,
    samplesPerSecond: figure,
  }),
  z.strictObject({ kind: z.literal('validation'), step, seconds: figure, values: figures }),
]);

/** One line of JSON Lines, ending in a line feed. Figures that are not finite become strings (`"NaN"`). */
export function formatMetrics(record: MetricsRecord): string {
  return `${JSON.stringify(record, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  )}\n`;
}

/**
 * Reads one line, without its line feed.
 * @param where file and line for the message, e.g. `runs/a/metrics.jsonl:12`
 * @throws DataError when the line is no record
 */
export function parseMetrics(line: string, where: string): MetricsRecord {
  const hint = 'the file was changed or damaged: move it away, or remove this line';
  if (line.length > MAX_METRICS_LINE) throw new DataError(`${where}: the line is longer than any record can be`, hint);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new DataError(`${where}: this is not JSON: ${line.slice(0, 80)}`, hint, { cause });
  }
  const result = recordSchema.safeParse(value);
  if (!result.success) {
    const first = result.error.issues[0]!;
    const path = first.path.length > 0 ? `"${first.path.join('.')}": ` : '';
    throw new DataError(`${where}: this is no record of metrics: ${path}${first.message}`, hint);
  }
  return result.data;
}
