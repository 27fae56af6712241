import process from 'node:process';
import { type Command, Option } from 'commander';
import { createProgress } from '../../../core/node/index.ts';
import { WRITTEN_FORMATS, type WrittenFormat } from '../../../data/index.ts';
import { whole } from '../../arguments.ts';
import { printable } from '../../report-error.ts';
import { reportLeftOut } from './left-out.ts';
import { addSourceOptions, describeSource, type SourceFlags } from './options.ts';

interface ConvertFlags extends SourceFlags {
  readonly to: WrittenFormat;
  readonly out: string;
  readonly count?: number;
}

const EXAMPLES = `
Examples:
  sensorium data convert captions/ --to llava --out out           folder with captions → data.json and images/
  sensorium data convert train.parquet --to webdataset --out out  → data-000000.tar …
  sensorium data convert train.jsonl --to openai --out out --skip-bad
`;

/** `sensorium data convert`. */
export function registerConvert(data: Command): void {
  addSourceOptions(data.command('convert').description('read one format and write another, pictures included'))
    .addOption(new Option('--to <format>', 'what to write').choices([...WRITTEN_FORMATS]).makeOptionMandatory())
    .requiredOption('--out <dir>', 'a new folder')
    .option('--count <n>', 'the first so many samples; all unless told', whole(1))
    .addHelpText('after', EXAMPLES)
    .action(convertAction);
}

async function convertAction(path: string, flags: ConvertFlags): Promise<void> {
  const { openSampleSource, writeSamples } = await import('../../../data/node/index.ts');
  const source = await openSampleSource(describeSource(path, flags));
  const total = Math.min(flags.count ?? source.length, source.length);
  const bar = createProgress({ total, label: 'converting', stream: process.stderr });
  try {
    const written = await writeSamples(source, flags.out, {
      format: flags.to,
      samples: Array.from({ length: total }, (_, i) => i),
      onBadSample: flags.skipBad === true ? 'skip' : 'stop',
      report: (step) => bar.update({ step }),
    });
    bar.done();
    process.stdout.write(`${written.rows} rows and ${written.pictures} pictures in ${printable(flags.out)}\n`);
    reportLeftOut(written.skipped, written.reasons);
  } finally {
    bar.done();
    await source.close?.();
  }
}
