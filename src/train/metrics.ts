import { z } from 'zod';
import { DataError } from '../core/errors.ts';
import { PICTURE_URL } from '../data/picture-url.ts';

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

/** What the model wrote when it was asked between steps. */
export interface WrittenSample {
  readonly question: string;
  /** The right answer, where there is one. */
  readonly expected?: string | undefined;
  readonly generated: string;
  /** What the question is about, small, as a data URL of a PNG, JPEG or WebP picture. */
  readonly picture?: string | undefined;
}

/** Several of them; many samples of one step are spread over several records, see {@link sampleRecords}. */
export interface SamplesRecord {
  readonly kind: 'samples';
  readonly step: number;
  readonly seconds: number;
  readonly samples: readonly WrittenSample[];
}

export type MetricsRecord = TrainRecord | ValidationRecord | SamplesRecord;

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
  z.strictObject({
    kind: z.literal('samples'),
    step,
    seconds: figure,
    samples: z.array(
      z.strictObject({
        question: z.string(),
        expected: z.string().optional(),
        generated: z.string(),
        picture: z.string().regex(PICTURE_URL).optional(),
      }),
    ),
  }),
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

/** Letters of a question or an answer that are kept. */
const MAX_TEXT = 2000;

/**
 * Records of samples, each with as many as fit into a line. Very long texts are cut, and a picture that leaves no room for
 * the texts is left out.
 */
export function sampleRecords(samples: readonly WrittenSample[], step: number, seconds: number): SamplesRecord[] {
  const records: SamplesRecord[] = [];
  let held: WrittenSample[] = [];
  const record = (list: readonly WrittenSample[]): SamplesRecord => ({ kind: 'samples', step, seconds, samples: list });
  const fits = (list: readonly WrittenSample[]): boolean =>
    new TextEncoder().encode(formatMetrics(record(list))).length <= MAX_METRICS_LINE;
  for (const sample of samples) {
    let shortened = shorten(sample);
    if (!fits([shortened])) {
      const { picture: _, ...texts } = shortened;
      shortened = texts;
    }
    if (held.length > 0 && !fits([...held, shortened])) {
      records.push(record(held));
      held = [];
    }
    held.push(shortened);
  }
  if (held.length > 0) records.push(record(held));
  return records;
}

function shorten({ question, expected, generated, picture }: WrittenSample): WrittenSample {
  const cut = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text);
  return {
    question: cut(question),
    ...(expected === undefined ? {} : { expected: cut(expected) }),
    generated: cut(generated),
    ...(picture === undefined ? {} : { picture }),
  };
}
