import process from 'node:process';
import type { Command } from 'commander';
import { writeFileAtomic } from '../../../core/node/index.ts';
import type { ViewedSample } from '../../../recipe/index.ts';
import { whole } from '../../arguments.ts';
import { addSourceOptions, describeSource, type SourceFlags } from './options.ts';

interface InspectFlags extends SourceFlags {
  readonly count?: number;
  readonly seed?: number;
  readonly model?: string;
  readonly offline?: boolean;
  readonly html?: string;
}

const EXAMPLES = `
Examples:
  sensorium data inspect train.jsonl
  sensorium data inspect data.parquet --count 20 --seed 1 --html samples.html
  sensorium data inspect train.jsonl --model HuggingFaceTB/SmolVLM-256M-Instruct

With --model each conversation is also shown as that model reads it, with the tokens that are learned in colour (or in « »
where there is no colour).
`;

/** `sensorium data inspect`. */
export function registerInspect(data: Command): void {
  addSourceOptions(data.command('inspect').description('look at samples, and at what of them is learned'))
    .option('-n, --count <n>', 'how many; 5 in the terminal, 50 in a page', whole(1))
    .option('--seed <n>', 'draw them by chance; the first ones unless told', whole(1))
    .option('-m, --model <name>', 'show what this model reads and learns')
    .option('--offline', 'fetch nothing of the model')
    .option('--html <file>', 'write a page with pictures, boxes and turns')
    .addHelpText('after', EXAMPLES)
    .action(inspectAction);
}

async function inspectAction(path: string, flags: InspectFlags): Promise<void> {
  const { openSampleSource } = await import('../../../data/node/index.ts');
  const { inspectionPage, sampleText } = await import('../../../recipe/index.ts');
  const { openViewReader, viewSamples } = await import('../../../recipe/node/index.ts');
  const reader = flags.model === undefined ? undefined : await openViewReader(flags.model, flags.offline);
  const source = await openSampleSource(describeSource(path, flags));
  try {
    const number = flags.count ?? (flags.html === undefined ? 5 : 50);
    const viewed = viewSamples(source, number, { reader, seed: flags.seed });
    if (flags.html === undefined) {
      process.stdout.write(`${source.length} samples\n\n`);
      const hasColour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
      for await (const sample of viewed) process.stdout.write(`${sampleText(sample, hasColour)}\n`);
      return;
    }
    const samples: ViewedSample[] = [];
    for await (const sample of viewed) samples.push(sample);
    const page = await inspectionPage({ path, total: source.length, model: flags.model }, samples);
    await writeFileAtomic(flags.html, page);
    const bad = samples.filter(({ problem }) => problem !== undefined).length;
    process.stdout.write(
      `${samples.length} of ${source.length} samples in ${flags.html}${bad === 0 ? '' : `, ${bad} of them with a problem`}\n`,
    );
  } finally {
    await source.close?.();
  }
}
