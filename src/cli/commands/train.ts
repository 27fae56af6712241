import type { Command } from 'commander';
import { trainingRecipe } from '../../recipe/index.ts';
import { readRecipe, runRecipe, type RunEvaluation, type RunOutcome } from '../../recipe/node/index.ts';
import { listenForInterrupt } from '../../train/node/index.ts';

interface TrainFlags {
  readonly set: readonly string[];
  readonly data?: string;
  readonly out?: string;
  readonly resume?: boolean;
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
    .argument('<recipe>', 'YAML file; ready ones are in recipes/')
    .option('--set <key=value>', 'change a key of the recipe, e.g. --set train.seed=2 (may be repeated)', collect, [])
    .option('--data <path>', 'folder or tar file of the data, for recipes that need one (easy-VQA)')
    .option('--out <dir>', 'folder of the run, instead of the one in the recipe')
    .option('--resume', 'go on with the run in that folder')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  sensorium train recipes/emoji-statements-quick.yaml\n' +
        '  sensorium train recipes/easy-vqa.yaml --data easy-vqa.tar --out runs/vqa\n' +
        '  sensorium train recipes/easy-vqa.yaml --data easy-vqa.tar --out runs/vqa --resume\n',
    )
    .action(async (path: string, flags: TrainFlags) => {
      const recipe = await readRecipe(trainingRecipe, path, overrides(flags));
      const interrupt = listenForInterrupt(() => {
        process.stderr.write('\nSaving a checkpoint … (Ctrl-C again ends at once, without it)\n');
      });
      try {
        const outcome = await runRecipe(recipe, { resume: flags.resume === true, interrupt: interrupt.signal });
        if (outcome.finished === undefined) {
          const saved = outcome.training.checkpoint ?? 'nothing was saved';
          process.stderr.write(`Interrupted after step ${outcome.training.steps}: ${saved}\n  → go on with --resume\n`);
          process.exitCode = interrupt.exitCode;
          return;
        }
        process.stdout.write(summary(outcome, outcome.finished.model, outcome.finished.evaluation));
      } finally {
        interrupt.dispose();
      }
    });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** Flags with a key of their own are overrides too, so that an error names them. */
function overrides({ set, data, out }: TrainFlags): string[] {
  return [
    ...set,
    ...(data === undefined ? [] : [`data.path=${JSON.stringify(data)}`]),
    ...(out === undefined ? [] : [`output=${JSON.stringify(out)}`]),
  ];
}

function summary({ training, parameters }: RunOutcome, model: string, evaluation: RunEvaluation): string {
  const minutes = (training.seconds / 60).toFixed(1);
  const lines = [`${parameters} weights, ${training.steps} steps in ${minutes} minutes; the model is in ${model}`];
  const range = ({ low, high }: { low: number; high: number }): string =>
    `(95 %: ${low.toFixed(3)} to ${high.toFixed(3)})`;
  if (evaluation.kind === 'emoji-statements') {
    const { test } = evaluation;
    for (const half of ['random', 'hard'] as const) {
      const figure = test[half];
      lines.push(`${half} false statements: ${figure.balancedAccuracy.toFixed(3)} ${range(figure)}`);
    }
    for (const [name, { overall }] of Object.entries({ ...test.byLanguage, ...test.byKind })) {
      lines.push(`${name}: ${overall.balancedAccuracy.toFixed(3)} ${range(overall)}`);
    }
    lines.push(`balanced accuracy ${test.overall.balancedAccuracy.toFixed(3)} ${range(test.overall)}`);
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
