import { availableParallelism, cpus } from 'node:os';
import process from 'node:process';
import { CREDITS, type Concept, type Statement } from '../../data/index.ts';
import type { BalancedFigure, ScoredStatement } from '../../eval/index.ts';
import type { AccuracyRow, AttentionExample, ChartSpec, Mistake, TrainingReport } from '../../eval/report/index.ts';
import { HEAT_COLOURS, overlayHeatmap, type RgbPicture } from '../../explain/index.ts';
import type { TrainingRecipe } from '../../recipe/index.ts';
import type { RunEvaluation, RunOutcome } from '../../recipe/node/index.ts';
import type { Prediction } from '../../tasks/index.ts';
import type { MetricsRecord } from '../../train/index.ts';

/** The evaluation of a run on emoji statements. */
export type StatementsEvaluation = Extract<RunEvaluation, { kind: 'emoji-statements' }>;

/** A statement, its picture and what the saved model says of it. */
export interface Sample {
  readonly concept: Concept;
  readonly statement: Statement;
  readonly picture: RgbPicture;
  readonly prediction: Prediction;
}

/** Everything that the report is made from. */
export interface ReportMaterial {
  readonly recipe: TrainingRecipe;
  readonly recipeText: string;
  readonly outcome: RunOutcome;
  readonly evaluation: StatementsEvaluation;
  readonly records: readonly MetricsRecord[];
  readonly concepts: readonly Concept[];
  /** The mistakes to show, and a picture of each by concept. */
  readonly mistakes: readonly ScoredStatement[];
  readonly pictures: ReadonlyMap<number, RgbPicture>;
  readonly samples: readonly Sample[];
  readonly engine: string;
  readonly version: string;
  readonly totalSeconds: number;
}

const LANGUAGE_NAMES = { en: 'English', zh: 'Chinese' } as const;
const LANGUAGE_TAGS = { en: 'en', zh: 'zh-Hans' } as const;
const KIND_NAMES = { name: 'its name', tag: 'a word for it', category: 'its category' } as const;
const HARDNESS_NAMES = {
  true: 'true statement',
  random: 'random false statement',
  hard: 'hard false statement',
} as const;

/** The report of a run on emoji statements. */
export function makeReport(material: ReportMaterial): TrainingReport {
  const { evaluation, outcome, recipe, records } = material;
  const { test } = evaluation;
  return {
    title: 'Does the statement fit the picture?',
    summary:
      `A model of ${outcome.parameters.toLocaleString('en')} weights learned from nothing, in ${minutes(outcome.training.seconds)} on this computer, ` +
      'to tell true statements about emoji from false ones, in English and in Chinese. It was tested on a studio whose drawings it had never seen.',
    run: outcome.folder,
    createdAt: new Date().toISOString(),
    headline: [
      headline('Balanced accuracy', test.overall),
      headline('Against random false ones', test.random),
      headline('Against hard false ones', test.hard),
      {
        label: 'Training time',
        value: minutes(outcome.training.seconds),
        detail: `${outcome.training.steps.toLocaleString('en')} steps`,
      },
    ],
    charts: charts(records),
    accuracy: accuracy(evaluation),
    chance: 0.5,
    confusion: { classes: ['false', 'true'], counts: confusion(evaluation) },
    mistakes: material.mistakes.map((scored) => mistake(material, scored)),
    attention: material.samples.map(attention),
    heatColours: HEAT_COLOURS,
    facts: facts(material),
    recipe: material.recipeText,
    licences: licences(recipe),
    caveats: [
      'The test pictures show the same things as the training pictures, drawn by others; things that no training studio drew are not tested.',
      'Intervals take statements to be independent of each other. Eight of them share a picture, so the true intervals are wider.',
      'Whether a false statement is truly false follows from names, tags and groups in Emojibase; a few statements may be true all the same.',
      'Drawings are not photographs. Nothing here says how the model does on those.',
      `The threshold (a difference of logits of ${evaluation.threshold.toFixed(2)}) was fixed on training studios. Probabilities beside answers are the model's own, so that an answer can be given below 50 %.`,
    ],
  };
}

function headline(label: string, figure: BalancedFigure): { label: string; value: string; detail: string } {
  const detail = `95 %: ${figure.low.toFixed(3)} to ${figure.high.toFixed(3)}`;
  return { label, value: figure.balancedAccuracy.toFixed(3), detail };
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}

/** Probability of the class that was given, by the model alone. */
export function confidence({ score }: ScoredStatement, threshold: number): number {
  const probability = 1 / (1 + Math.exp(-score));
  return score >= threshold ? probability : 1 - probability;
}

/** Whether the answer was right. */
export function isRight({ score, statement }: ScoredStatement, threshold: number): boolean {
  return score >= threshold === statement.label;
}

function accuracy({ scored, threshold }: StatementsEvaluation): TrainingReport['accuracy'] {
  const row = (label: string, keep: (statement: Statement) => boolean): AccuracyRow => {
    const rows = scored.filter(({ statement }) => keep(statement));
    return { label, correct: rows.filter((each) => isRight(each, threshold)).length, total: rows.length };
  };
  const rows = <K extends string>(
    names: Readonly<Record<K, string>>,
    of: (statement: Statement) => string,
  ): AccuracyRow[] =>
    Object.entries<string>(names).map(([key, name]) => row(name, (statement) => of(statement) === key));
  return [
    { title: 'All statements', rows: [row('overall', () => true)] },
    { title: 'Language', rows: rows(LANGUAGE_NAMES, ({ language }) => language) },
    { title: 'What is said of the picture', rows: rows(KIND_NAMES, ({ kind }) => kind) },
    { title: 'True, or how false', rows: rows(HARDNESS_NAMES, ({ hardness }) => hardness) },
  ];
}

function confusion({ scored, threshold }: StatementsEvaluation): number[][] {
  const counts = [
    [0, 0],
    [0, 0],
  ];
  for (const { statement, score } of scored) counts[Number(statement.label)]![Number(score >= threshold)]!++;
  return counts;
}

function charts(records: readonly MetricsRecord[]): ChartSpec[] {
  const steps = records.filter((record) => record.kind === 'train');
  const validations = records.filter((record) => record.kind === 'validation');
  const part = (name: string): [number, number][] =>
    steps.flatMap(({ step, parts }) => (parts[name] === undefined ? [] : [[step, parts[name]]]));
  const all: ChartSpec[] = [
    {
      title: 'Losses',
      caption: 'Cross-entropy of true or false, and of matching pictures with descriptions among the batch.',
      xLabel: 'step',
      yLabel: 'loss (nats)',
      series: [
        { name: 'true or false', points: part('classification') },
        { name: 'matching', points: part('contrastive') },
      ].filter(({ points }) => points.length > 0),
      logarithmic: true,
      smooth: true,
    },
    {
      title: 'Accuracy while training',
      caption: 'On the batch of each step, which holds random and hard false statements; every picture is varied anew.',
      xLabel: 'step',
      yLabel: 'accuracy',
      series: [{ name: 'training batches', points: part('accuracy') }],
      percent: true,
      smooth: true,
      reference: { value: 0.5, label: 'chance' },
    },
    {
      title: 'Learning rate',
      caption: 'It rises while the first estimates settle, then falls to let the weights come to rest.',
      xLabel: 'step',
      yLabel: 'rate',
      series: [{ name: 'learning rate', points: steps.map(({ step, learningRate }) => [step, learningRate]) }],
    },
    {
      title: 'Size of the gradients',
      caption: 'L2 norm over all weights before clipping. It should stay within one or two powers of ten.',
      xLabel: 'step',
      yLabel: 'norm',
      series: [{ name: 'norm', points: steps.map(({ step, gradientNorm }) => [step, gradientNorm]) }],
      logarithmic: true,
      smooth: true,
    },
  ];
  if (validations.length > 1) {
    all.splice(2, 0, {
      title: 'Validation',
      caption: 'Balanced accuracy on varied drawings of the training studios, by averaged weights.',
      xLabel: 'step',
      yLabel: 'balanced accuracy',
      series: [
        {
          name: 'validation',
          points: validations.flatMap(({ step, values }) =>
            values['balancedAccuracy'] === undefined ? [] : [[step, values['balancedAccuracy']]],
          ),
        },
      ],
      percent: true,
      reference: { value: 0.5, label: 'chance' },
    });
  }
  return all.filter(({ series }) => series.some(({ points }) => points.length > 0));
}

function mistake({ concepts, pictures, evaluation }: ReportMaterial, scored: ScoredStatement): Mistake {
  const { statement } = scored;
  return {
    picture: pictures.get(statement.concept)!,
    pictureText: concepts[statement.concept]!.wording.en.name,
    statement: { text: statement.text, language: LANGUAGE_TAGS[statement.language] },
    predicted: String(!statement.label),
    truth: String(statement.label),
    probability: confidence(scored, evaluation.threshold),
    note: `${HARDNESS_NAMES[statement.hardness]}; the picture shows: ${concepts[statement.concept]!.wording[statement.language].name}`,
  };
}

function attention({ concept, statement, picture, prediction }: Sample): AttentionExample {
  return {
    picture,
    pictureText: concept.wording.en.name,
    statement: { text: statement.text, language: LANGUAGE_TAGS[statement.language] },
    predicted: prediction.label,
    truth: String(statement.label),
    probability: prediction.probabilities[prediction.label]!,
    words: prediction.attention.map((map) => ({ word: map.word, picture: overlayHeatmap(picture, map) })),
  };
}

function facts({
  recipe,
  outcome,
  evaluation,
  concepts,
  engine,
  version,
  totalSeconds,
}: ReportMaterial): TrainingReport['facts'] {
  const { vision, text, fusion } = recipe.model;
  const encoder =
    vision.kind === 'vit'
      ? `ViT, patches of ${vision.patchSize}, width ${vision.width}, ${vision.layers} layers`
      : `ConvNet, channels ${vision.channels.join(' → ')}${vision.kind === 'convnet' ? '' : `, then ${vision.layers} transformer layers`}`;
  const steps = outcome.training.steps;
  const pictures = steps * recipe.train.batch * recipe.train.accumulate;
  return [
    {
      title: 'Model',
      facts: [
        { label: 'Weights', value: outcome.parameters.toLocaleString('en') },
        { label: 'Picture encoder', value: `${encoder}, ${vision.imageSize} × ${vision.imageSize} pixels` },
        {
          label: 'Text encoder',
          value: `transformer, width ${text.width}, layers: ${text.layers}, tokens: ${text.maxLength}`,
        },
        {
          label: 'Fusion',
          value: `cross-attention, layers: ${fusion.layers}, heads: ${fusion.heads}, width ${fusion.hidden}`,
        },
      ],
    },
    {
      title: 'Training',
      facts: [
        { label: 'Time', value: `${minutes(outcome.training.seconds)} of training, ${minutes(totalSeconds)} in all` },
        { label: 'Steps', value: steps.toLocaleString('en') },
        {
          label: 'Pictures seen',
          value: `${pictures.toLocaleString('en')} (${(pictures / outcome.training.seconds).toFixed(0)} a second)`,
        },
        { label: 'Seed', value: String(recipe.train.seed) },
      ],
    },
    {
      title: 'Test',
      facts: [
        { label: 'Concepts', value: concepts.length.toLocaleString('en') },
        { label: 'Statements', value: evaluation.scored.length.toLocaleString('en') },
        { label: 'On training studios (varied)', value: evaluation.validation.overall.balancedAccuracy.toFixed(3) },
      ],
    },
    {
      title: 'Machine',
      facts: [
        { label: 'Processor', value: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}` },
        { label: 'Engine', value: engine },
        { label: 'Software', value: `Sensorium ${version}, Node ${process.versions.node}, ${process.platform}` },
      ],
    },
  ];
}

function licences({ data }: TrainingRecipe): TrainingReport['licences'] {
  const words = {
    name: 'Emojibase',
    licence: 'MIT',
    use: 'names, tags and groups, of which the statements are made',
    credit: 'Miles Johnson',
    url: 'https://emojibase.dev',
  };
  if (data.kind !== 'emoji-statements') return [words];
  return [
    ...data.train.map((studio) => ({ ...CREDITS[studio], use: 'training pictures' })),
    ...data.test.map((studio) => ({
      ...CREDITS[studio],
      use: 'test pictures, shown in this report; the model was not trained on them',
    })),
    words,
  ];
}
