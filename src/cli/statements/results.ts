import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/node/index.ts';
import { RecipeError } from '../../core/index.ts';
import { loadConcepts } from '../../data/node/index.ts';
import type { Concept } from '../../data/index.ts';
import { renderReport } from '../../eval/report/index.ts';
import { writePng } from '../../explain/node/index.ts';
import type { TrainingRecipe } from '../../recipe/index.ts';
import type { RunOutcome } from '../../recipe/node/index.ts';
import { FusionPredictor } from '../../tasks/node/index.ts';
import type { MetricsRecord } from '../../train/index.ts';
import { readMetrics } from '../../train/node/index.ts';
import { packageVersion } from '../package.ts';
import { sampleStatements, surestMistakes } from './choose.ts';
import { drawConcepts } from './drawings.ts';
import { makeReport, type Sample, type StatementsEvaluation } from './report.ts';

const MISTAKES = 12;
/** Side of the pictures in the report, in pixels. */
const SHOWN_SIDE = 168;

/**
 * Writes the report of a run about emoji statements: answers, mistakes and what the model looked at.
 * @param began when the run began, by the clock that never goes back
 * @returns what the command says at its end; the last line is the balanced accuracy
 */
export async function statementsResults(recipe: TrainingRecipe, outcome: RunOutcome, began: number): Promise<string> {
  const { finished } = outcome;
  if (finished === undefined || finished.evaluation.kind !== 'emoji-statements')
    throw new RecipeError(`${outcome.folder} is no finished run about emoji statements`);
  const { model, evaluation } = finished;
  const { samples, report } = await writeResults({ recipe, outcome, evaluation, model, began });
  return closing({ model, evaluation, samples, report, folder: outcome.folder });
}

interface Results {
  readonly recipe: TrainingRecipe;
  readonly outcome: RunOutcome;
  readonly evaluation: StatementsEvaluation;
  readonly model: string;
  readonly began: number;
}

async function writeResults({
  recipe,
  outcome,
  evaluation,
  model,
  began,
}: Results): Promise<{ samples: Sample[]; report: string }> {
  const { folder } = outcome;
  const concepts = await loadConcepts();
  const mistakes = surestMistakes(evaluation.scored, evaluation.threshold, MISTAKES);
  const chosen = sampleStatements(evaluation.scored);
  const indexes = new Set([...mistakes, ...chosen].map(({ statement }) => statement.concept));
  const needed = [...indexes].map((index) => concepts[index]!);
  const studio = recipe.data.kind === 'emoji-statements' ? recipe.data.test[0]! : 'openmoji';
  const pictures = await drawConcepts(studio, needed, SHOWN_SIDE);
  const predictor = await FusionPredictor.open(model);
  let samples: Sample[];
  try {
    const examples = chosen.map(({ statement }) => {
      const picture = { ...pictures.get(statement.concept)!, channels: 3 as const };
      return { image: picture, text: statement.text };
    });
    const predictions = await predictor.predictBatch(examples);
    samples = chosen.map(({ statement }, i) => ({
      statement,
      concept: concepts[statement.concept]!,
      picture: pictures.get(statement.concept)!,
      prediction: predictions[i]!,
    }));
  } finally {
    await predictor.dispose();
  }
  await mkdir(join(folder, 'samples'), { recursive: true });
  for (const { concept, picture } of samples) await writePng(samplePath(folder, concept), picture);
  const records: MetricsRecord[] = [];
  for await (const record of readMetrics(join(folder, 'metrics.jsonl'))) records.push(record);
  const html = await renderReport(
    makeReport({
      recipe,
      recipeText: await readFile(join(folder, 'recipe.yaml'), 'utf8'),
      outcome,
      evaluation,
      records,
      concepts,
      mistakes,
      pictures,
      samples,
      engine: await engineName(folder),
      version: packageVersion(),
      totalSeconds: (performance.now() - began) / 1000,
    }),
  );
  const report = join(folder, 'report.html');
  await writeFileAtomic(report, html);
  return { samples, report };
}

async function engineName(folder: string): Promise<string> {
  const result = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as { engine: string; threads: number };
  return `${result.engine}, ${result.threads} threads`;
}

function samplePath(folder: string, { wording }: Concept): string {
  return join(
    folder,
    'samples',
    `${wording.en.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '')}.png`,
  );
}

function closing({
  model,
  evaluation,
  samples,
  report,
  folder,
}: {
  model: string;
  evaluation: StatementsEvaluation;
  samples: readonly Sample[];
  report: string;
  folder: string;
}): string {
  const { test } = evaluation;
  const range = ({ low, high }: { low: number; high: number }): string =>
    `95 %: ${low.toFixed(3)} to ${high.toFixed(3)}`;
  const lines = ['', 'Answers about drawings that the model has never seen:'];
  for (const { concept, statement, prediction } of samples) {
    const mark = prediction.label === String(statement.label) ? '✓' : '✗';
    const sure = `${(prediction.probabilities[prediction.label]! * 100).toFixed(0)} %`.padStart(5);
    lines.push(
      `  ${mark} ${prediction.label.padEnd(5)} ${sure}  ${statement.text}   (the picture: ${concept.wording[statement.language].name})`,
    );
  }
  lines.push('', 'On the unseen studio:');
  lines.push(`  random false statements  ${test.random.balancedAccuracy.toFixed(3)}  (${range(test.random)})`);
  lines.push(`  hard false statements    ${test.hard.balancedAccuracy.toFixed(3)}  (${range(test.hard)})`);
  lines.push(`  all                      ${test.overall.balancedAccuracy.toFixed(3)}  (${range(test.overall)})`);
  const [first] = samples;
  lines.push('', `The report, one file with everything in it: ${report}`);
  if (first !== undefined) {
    const image = samplePath(folder, first.concept);
    lines.push('', 'Ask the model about a picture; put your own in the place of this one:');
    lines.push(
      `  npx sensorium predict --model ${model} --image ${image} --text ${JSON.stringify(first.statement.text)} --heatmap looked.png`,
    );
  }
  lines.push('', `balanced accuracy ${test.overall.balancedAccuracy.toFixed(3)}`);
  return `${lines.join('\n')}\n`;
}
