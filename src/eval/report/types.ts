/**
 * What a training report shows. Plain data: whoever trained fills it in, and {@link renderReport} draws it. Every text may
 * come from outside (statements, names of files); all of it is escaped.
 */

/** A picture as pixels, or as the bytes of a PNG file. */
export type ReportPicture =
  | { readonly width: number; readonly height: number; readonly data: Uint8Array }
  | { readonly png: Uint8Array };

/** Text in some language, so that browsers choose the right glyphs and screen readers the right voice. */
export interface ReportText {
  readonly text: string;
  /** BCP 47, e.g. `en` or `zh-Hans`. */
  readonly language: string;
}

export interface TrainingReport {
  readonly title: string;
  /** A sentence or two under the title: what was trained and on what it was tested. */
  readonly summary: string;
  /** Name of the recipe or the run. */
  readonly run: string;
  /** When the report was written, ISO 8601. */
  readonly createdAt: string;
  /** The few figures that matter most, first of all; up to four. */
  readonly headline: readonly HeadlineFigure[];
  readonly charts: readonly ChartSpec[];
  /** Accuracy of the test split, overall and by groups. Empty groups are left out; absent where no test was to be made. */
  readonly accuracy?: readonly AccuracyGroup[] | undefined;
  /** What always giving the same answer reaches, drawn as a line in the plot of accuracies; 0.5 for two even classes. */
  readonly chance?: number;
  readonly confusion?: Confusion;
  /** Wrong answers, the most confident first; absent where no test was to be made. */
  readonly mistakes?: readonly Mistake[];
  readonly attention?: readonly AttentionExample[];
  /** What was written to some questions while the model learned. */
  readonly samples?: readonly ReportSample[];
  /** Colours of the heatmaps from the least to the greatest weight, [n, 3] bytes, for the legend. */
  readonly heatColours?: Uint8Array;
  /** Facts of the run: recipe, seed, time, machine, parameter count, … */
  readonly facts: readonly FactGroup[];
  /** The recipe as text, shown folded. */
  readonly recipe?: string;
  readonly licences: readonly DataLicence[];
  /** What a reader must know in order not to read too much into the figures. */
  readonly caveats: readonly string[];
}

export interface HeadlineFigure {
  readonly label: string;
  /** As it is to be read, e.g. `0.812`. */
  readonly value: string;
  /** What stands small below it, e.g. an interval. */
  readonly detail?: string;
}

export interface ChartSpec {
  readonly title: string;
  /** What the chart shows and what to look for. */
  readonly caption: string;
  /** Name of the x axis, e.g. `step`. */
  readonly xLabel: string;
  /** Name of the y axis with its unit. */
  readonly yLabel: string;
  readonly series: readonly ChartSeries[];
  /** Logarithmic y axis; points at or below 0 are then left out. */
  readonly logarithmic?: boolean;
  /** Figures as percentages. */
  readonly percent?: boolean;
  /** Draws a moving average over many noisy points, which stay visible faintly. */
  readonly smooth?: boolean;
  /** A level to compare with, e.g. chance. */
  readonly reference?: { readonly value: number; readonly label: string };
  /** Ends of the y axis; by default those of the points. */
  readonly yRange?: readonly [low: number, high: number];
}

export interface ChartSeries {
  readonly name: string;
  /** x and y in order of x; points that are not finite are gaps. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface AccuracyGroup {
  /** E.g. `Language`. */
  readonly title: string;
  readonly rows: readonly AccuracyRow[];
}

export interface AccuracyRow {
  readonly label: string;
  /** Right answers. */
  readonly correct: number;
  /** All answers; at least 1. */
  readonly total: number;
}

export interface Confusion {
  /** Names of the classes in the order of rows and columns. */
  readonly classes: readonly string[];
  /** [classes, classes]: row = truth, column = prediction. */
  readonly counts: readonly (readonly number[])[];
}

export interface Mistake {
  readonly picture: ReportPicture;
  /** What the picture shows, as its alternative text. */
  readonly pictureText: string;
  readonly statement: ReportText;
  /** Name of the class that was predicted and of the right one. */
  readonly predicted: string;
  readonly truth: string;
  /** Probability that the model gave to the class it predicted, 0 to 1. */
  readonly probability: number;
  /** E.g. `hard false statement`. */
  readonly note?: string;
}

/** A question and what was written to it over the run. */
export interface ReportSample {
  readonly question: string;
  /** The right answer, where there is one. */
  readonly expected?: string | undefined;
  /** Data URL of a PNG, JPEG or WebP picture; others are not shown. */
  readonly picture?: string | undefined;
  /** What was answered from one step to another. */
  readonly answers: readonly { readonly from: number; readonly to: number; readonly text: string }[];
}

export interface AttentionExample {
  readonly picture: ReportPicture;
  readonly pictureText: string;
  readonly statement: ReportText;
  readonly predicted: string;
  readonly truth: string;
  readonly probability: number;
  /** One map per word, in the order of the statement. */
  readonly words: readonly {
    readonly word: string;
    /** The picture with the word's attention laid over it. */
    readonly picture: ReportPicture;
  }[];
}

export interface FactGroup {
  readonly title: string;
  readonly facts: readonly { readonly label: string; readonly value: string }[];
}

export interface DataLicence {
  readonly name: string;
  readonly licence: string;
  /** What it was used for, e.g. `training pictures` or `test pictures only`. */
  readonly use: string;
  /** Who made it, as the licence asks to be named. */
  readonly credit?: string;
  /** An https address; others are shown as text. */
  readonly url?: string;
}
