import type { Command } from 'commander';

/** `sensorium start`, which `npm start` runs. */
export function registerStart(program: Command): void {
  program
    .command('start', { hidden: true })
    .description('train, test and show the fusion model on emoji drawings (what `npm start` does)')
    .option('--recipe <file>', 'another recipe')
    .option(
      '--set <key=value>',
      'change a key of the recipe (may be repeated)',
      (value: string, all: string[]) => [...all, value],
      [] as string[],
    )
    .action(async (options: { recipe?: string; set: string[] }) => {
      const { start } = await import('../start/start.ts');
      await start(options);
    });
}
