import { join } from 'node:path';
import process from 'node:process';
import { PACKAGE_ROOT } from '../../core/node/index.ts';
import { trainingRecipe } from '../../recipe/index.ts';
import { readRecipe, runRecipe, type RunOutcome } from '../../recipe/node/index.ts';
import { freshFolder } from '../fresh-folder.ts';
import { savingInterrupt } from '../interrupt.ts';
import { statementsResults } from './results.ts';

const RECIPE = join(PACKAGE_ROOT, 'recipes', 'emoji-statements-quick.yaml');

/** Trains by the quick recipe, in a folder that no earlier run holds. The last line is the balanced accuracy. */
export async function startStatements(): Promise<void> {
  const began = performance.now();
  const asked = await readRecipe(trainingRecipe, RECIPE);
  const recipe = { ...asked, output: freshFolder(asked.output, 'metrics.jsonl') };
  say(
    `Training by the quick recipe: ${recipe.train.minutes} minutes, then the test and a report. Ctrl-C saves and ends.`,
  );
  const interrupt = savingInterrupt(say);
  let outcome: RunOutcome;
  try {
    outcome = await runRecipe(recipe, { interrupt: interrupt.signal });
  } finally {
    interrupt.dispose();
  }
  if (outcome.finished === undefined) {
    const file = join(outcome.folder, 'recipe.yaml');
    say(`Interrupted after step ${outcome.training.steps}.\n  → go on with: npx sensorium train ${file} --resume`);
    process.exitCode = interrupt.exitCode;
    return;
  }
  say('Writing the report …');
  process.stdout.write(await statementsResults(recipe, outcome, began));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
