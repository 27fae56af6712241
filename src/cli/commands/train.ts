import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { RecipeError } from '../../core/index.ts';
import type { TrainingRecipe, TuningRecipe } from '../../recipe/index.ts';
import type { RunEvaluation, RunOptions, RunOutcome } from '../../recipe/node/index.ts';
import type { TrainingOutcome } from '../../train/index.ts';
import type { Interrupt } from '../../train/node/index.ts';
import { collect, whole } from '../arguments.ts';

interface TrainFlags {
  readonly set: readonly string[];
  readonly data?: string;
  readonly out?: string;
  readonly resume?: boolean;
  readonly live?: number | true;
  readonly tensorboard?: boolean;
}

/** `sensorium train RECIPE.yaml` */
export function registerTrain(program: Command): void {
  program
    .command('train')
    .summary('train a model by a recipe, and test it')
    .description(
      'Trains a model as a recipe says, writes it to a folder and evaluates it once on the test split.\n' +
        'Ctrl-C saves a checkpoint; --resume goes on from the newest one, bit by bit as if nothing had happened.',
    )
    .argument('<recipe>', 'YAML file, or a folder of such files that follow each other; ready ones are in recipes/')
    .option('--set <key=value>', 'change a key of the recipe, e.g. --set train.seed=2 (may be repeated)', collect, [])
    .option('--data <path>', 'folder or tar file of the data, for recipes that need one (easy-VQA)')
    .option('--out <dir>', 'folder of the run, instead of the one in the recipe')
    .option('--resume', 'go on with the run in that folder')
    .option(
      '--live [port]',
      'show curves and samples while the run goes on, as a page for this machine alone',
      whole(0, 65_535),
    )
    .option('--tensorboard', 'write event files for TensorBoard into the folder of the run')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  sensorium train recipes/emoji-statements-quick.yaml\n' +
        '  sensorium train recipes/easy-vqa.yaml --data easy-vqa.tar --out runs/vqa\n' +
        '  sensorium train recipes/easy-vqa.yaml --data easy-vqa.tar --out runs/vqa --resume\n' +
        '  sensorium train recipes/starter\n',
    )
    .action(trainAction);
}

async function trainAction(path: string, flags: TrainFlags): Promise<void> {
  const { stagesOf } = await import('../../recipe/node/index.ts');
  const { savingInterrupt } = await import('../interrupt.ts');
  const stages = await stagesOf(path);
  if (stages.length > 1 && flags.out !== undefined)
    throw new RecipeError(
      `${path} holds ${stages.length} stages, which each have a folder of their own`,
      'leave --out out',
    );
  const interrupt = savingInterrupt((text) => process.stderr.write(`${text}\n`));
  try {
    for (const [i, stage] of stages.entries()) {
      if (stages.length > 1) process.stderr.write(`Stage ${i + 1} of ${stages.length}: ${stage}\n`);
      if (!(await runStage(stage, flags, interrupt, stages.length > 1))) return;
    }
  } finally {
    interrupt.dispose();
  }
}

/** @param passesOver with --resume, whether a stage that was finished is passed over  @returns whether it went to its end */
async function runStage(path: string, flags: TrainFlags, interrupt: Interrupt, passesOver: boolean): Promise<boolean> {
  const { readAnyRecipe } = await import('../../recipe/node/index.ts');
  const read = await readAnyRecipe(path, overrides(flags));
  const resume = flags.resume === true;
  const finished = await stat(join(read.recipe.output, 'result.json')).catch(() => undefined);
  if (resume && passesOver && finished !== undefined) {
    process.stderr.write(`${read.recipe.output} is finished\n`);
    return true;
  }
  const options = {
    resume,
    interrupt: interrupt.signal,
    tensorboard: flags.tensorboard === true,
    ...(flags.live === undefined ? {} : { live: flags.live }),
  };
  const { training, text } =
    read.kind === 'fusion' ? await fusionRun(read.recipe, options) : await tuningRun(read.recipe, options);
  if (text === undefined) {
    const saved = training.checkpoint ?? 'nothing was saved';
    process.stderr.write(`Interrupted after step ${training.steps}: ${saved}\n  → go on with --resume\n`);
    process.exitCode = interrupt.exitCode;
    return false;
  }
  process.stdout.write(text);
  return true;
}

/** What a run says at its end; nothing where it was interrupted. */
interface RunText {
  readonly training: TrainingOutcome;
  readonly text: string | undefined;
}

async function fusionRun(recipe: TrainingRecipe, options: RunOptions): Promise<RunText> {
  const began = performance.now();
  const { runRecipe } = await import('../../recipe/node/index.ts');
  const outcome = await runRecipe(recipe, options);
  const { training, finished } = outcome;
  if (finished === undefined) return { training, text: undefined };
  const { model, evaluation } = finished;
  if (evaluation.kind !== 'emoji-statements') return { training, text: summary(outcome, model, evaluation) };
  process.stderr.write('Writing the report …\n');
  // Only now, since it takes time.
  const { statementsResults } = await import('../statements/results.ts');
  return { training, text: await statementsResults(recipe, outcome, began) };
}

async function tuningRun(recipe: TuningRecipe, options: RunOptions): Promise<RunText> {
  const { runTuning } = await import('../../recipe/node/index.ts');
  const { training, parameters, model } = await runTuning(recipe, options);
  const minutes = (training.seconds / 60).toFixed(1);
  const text = `${parameters} weights, ${training.steps} steps in ${minutes} minutes; the model is in ${model}\n`;
  return { training, text: model === undefined ? undefined : text };
}

/** Flags with a key of their own are overrides too, so that an error names them. */
function overrides({ set, data, out }: TrainFlags): string[] {
  return [
    ...set,
    ...(data === undefined ? [] : [`data.path=${JSON.stringify(data)}`]),
    ...(out === undefined ? [] : [`output=${JSON.stringify(out)}`]),
  ];
}

/** @param evaluation of data other than statements about emoji, which have a report of their own */
function summary(
  { training, parameters }: RunOutcome,
  model: string,
  evaluation: Exclude<RunEvaluation, { kind: 'emoji-statements' }>,
): string {
  const minutes = (training.seconds / 60).toFixed(1);
  const lines = [`${parameters} weights, ${training.steps} steps in ${minutes} minutes; the model is in ${model}`];
  const range = ({ low, high }: { low: number; high: number }): string =>
    `(95 %: ${low.toFixed(3)} to ${high.toFixed(3)})`;
  if (evaluation.kind === 'pretraining') {
    for (const [name, value] of Object.entries(evaluation.validation ?? {}))
      lines.push(`validation ${name}: ${value.toFixed(4)}`);
    lines.push(`fine-tune it with --set model.from=${model}`);
  } else if (evaluation.kind === 'sort-of-clevr') {
    const { byKind, nonRelational, relational } = evaluation.test;
    const named = { ...byKind, 'not relational': nonRelational, relational };
    for (const [name, figure] of Object.entries(named))
      lines.push(`${name}: ${figure.accuracy.toFixed(4)} ${range(figure)}, ${figure.right} of ${figure.total}`);
  } else {
    const { test } = evaluation;
    lines.push(`accuracy ${test.accuracy.toFixed(4)} ${range(test)}, ${test.right} of ${test.total}`);
  }
  return `${lines.join('\n')}\n`;
}
