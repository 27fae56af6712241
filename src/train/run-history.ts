import type { MetricsRecord, TrainRecord, WrittenSample } from './metrics.ts';

/** x and y of a curve. */
export type CurvePoint = readonly [x: number, y: number];

/** Points of one curve that are kept; more cannot be told apart in a chart. */
const MAX_POINTS = 2048;

/** A curve of any length in bounded memory: where it grows too long, neighbours are replaced by their mean. */
export class Curve {
  readonly #most: number;
  #points: CurvePoint[] = [];
  /** Values that a point is the mean of. */
  #stride = 1;
  #sum = 0;
  #count = 0;

  /** @param most points that are kept at a time */
  constructor(most: number = MAX_POINTS) {
    this.#most = most;
  }

  add(x: number, y: number): void {
    this.#sum += y;
    if (++this.#count < this.#stride) return;
    this.#points.push([x, this.#sum / this.#count]);
    this.#sum = this.#count = 0;
    if (this.#points.length < this.#most) return;
    const halved: CurvePoint[] = [];
    for (let i = 1; i < this.#points.length; i += 2) {
      halved.push([this.#points[i]![0], (this.#points[i - 1]![1] + this.#points[i]![1]) / 2]);
    }
    this.#points = halved;
    this.#stride *= 2;
  }

  /** In order of x. A last point that is not full yet is left out. */
  get points(): readonly CurvePoint[] {
    return this.#points;
  }
}

/** What the model wrote to one question over the run. */
export interface QuestionHistory {
  readonly question: string;
  readonly expected: string | undefined;
  readonly picture: string | undefined;
  /** In order of steps; the first and the latest ones. */
  readonly answers: readonly SpanOfAnswer[];
}

/** An answer that was given from one step to another, each time that it was asked. */
export interface SpanOfAnswer {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Questions, and answers to each, that are kept. */
const MAX_QUESTIONS = 24;
const MAX_ANSWERS = 5;

/** All that records of metrics tell of a run, in bounded memory: for charts, reports and live pages. */
export class RunHistory {
  readonly #training = new Map<string, Curve>();
  readonly #parts = new Map<string, Curve>();
  readonly #validation = new Map<string, Curve>();
  readonly #questions = new Map<string, QuestionHistory>();
  #last: TrainRecord | undefined;
  #best = new Map<string, { least: CurvePoint; greatest: CurvePoint }>();

  observe(record: MetricsRecord): void {
    const { step } = record;
    switch (record.kind) {
      case 'train': {
        const { loss, learningRate, gradientNorm, samplesPerSecond, parts } = record;
        for (const [name, value] of Object.entries({ loss, learningRate, gradientNorm, samplesPerSecond }))
          curve(this.#training, name).add(step, value);
        for (const [name, value] of Object.entries(parts)) curve(this.#parts, name).add(step, value);
        this.#last = record;
        break;
      }
      case 'validation':
        for (const [name, value] of Object.entries(record.values)) {
          curve(this.#validation, name).add(step, value);
          this.#judge(name, [step, value]);
        }
        break;
      case 'samples':
        for (const sample of record.samples) this.#remember(sample, step);
    }
  }

  /** The latest step. */
  get last(): TrainRecord | undefined {
    return this.#last;
  }

  /** `loss`, `learningRate`, `gradientNorm`, `samplesPerSecond`. */
  training(name: 'loss' | 'learningRate' | 'gradientNorm' | 'samplesPerSecond'): readonly CurvePoint[] {
    return this.#training.get(name)?.points ?? [];
  }

  /** Parts of the loss and other figures of the training step, by name. */
  get parts(): ReadonlyMap<string, readonly CurvePoint[]> {
    return pointsOf(this.#parts);
  }

  /** Figures of the evaluations, by name. */
  get validation(): ReadonlyMap<string, readonly CurvePoint[]> {
    return pointsOf(this.#validation);
  }

  /** The least and the greatest value of a figure of the evaluations, with their steps. */
  extremes(name: string): { readonly least: CurvePoint; readonly greatest: CurvePoint } | undefined {
    return this.#best.get(name);
  }

  get questions(): readonly QuestionHistory[] {
    return [...this.#questions.values()];
  }

  #judge(name: string, point: CurvePoint): void {
    if (!Number.isFinite(point[1])) return;
    const known = this.#best.get(name) ?? { least: point, greatest: point };
    this.#best.set(name, {
      least: point[1] < known.least[1] ? point : known.least,
      greatest: point[1] > known.greatest[1] ? point : known.greatest,
    });
  }

  #remember({ question, expected, generated, picture }: WrittenSample, step: number): void {
    const key = JSON.stringify([question, expected, picture]);
    const known = this.#questions.get(key);
    if (known === undefined && this.#questions.size >= MAX_QUESTIONS) return;
    const answers = [...(known?.answers ?? [])];
    const before = answers.at(-1);
    if (before?.text === generated) answers[answers.length - 1] = { ...before, to: step };
    else answers.push({ from: step, to: step, text: generated });
    // The first answer shows where it all began.
    if (answers.length > MAX_ANSWERS) answers.splice(1, 1);
    this.#questions.set(key, { question, expected, picture, answers });
  }
}

function curve(curves: Map<string, Curve>, name: string): Curve {
  const found = curves.get(name) ?? new Curve();
  curves.set(name, found);
  return found;
}

function pointsOf(curves: ReadonlyMap<string, Curve>): ReadonlyMap<string, readonly CurvePoint[]> {
  return new Map([...curves].map(([name, { points }]) => [name, points]));
}
