import { type Command, Option } from 'commander';
import { collect, number } from '../arguments.ts';

interface StartOptions {
  readonly model: string;
  readonly image?: readonly string[];
  readonly teach?: string;
  readonly minutes: number;
  readonly questions: number;
  readonly out: string;
}

/** `sensorium start`, which `npm start` runs. */
export function registerStart(program: Command): void {
  program
    .command('start')
    .summary('a tour of the model that comes with the package (what `npm start` does)')
    .description(
      'Shows what the starter sees in pictures, then teaches it new names in about a minute, says what that brought, and opens the playground.',
    )
    .addOption(new Option('-m, --model <name>', 'another model that reads pictures').default('starter'))
    .option('-i, --image <source>', 'a picture of yours by path, address or data URL; may be repeated', collect)
    .option('--teach <folder>', 'pictures of yours to learn from, each with a text file of its name')
    .option('--minutes <n>', 'how long it learns', number, 1)
    .option('--questions <n>', 'ordinary questions before and after, to see what was forgotten', number, 200)
    .option('--out <folder>', 'where pictures and what was learned go', 'runs/tour')
    .action(async (options: StartOptions) => {
      const { tour } = await import('../start/start.ts');
      const { adapter } = await tour(options);
      const { openPlayground } = await import('../start/playground.ts');
      await openPlayground(options.model, adapter);
    });
}
