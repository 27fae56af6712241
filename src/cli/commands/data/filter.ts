import process from 'node:process';
import { type Command, Option } from 'commander';
import { createProgress } from '../../../core/node/index.ts';
import { WRITTEN_FORMATS, type WrittenFormat } from '../../../data/index.ts';
import { number, share } from '../../arguments.ts';
import { loadModel } from '../../model/load.ts';
import { addModelOptions, type ModelOptions } from '../../model/options.ts';
import { printable } from '../../report-error.ts';
import { LeftOut } from './left-out.ts';
import { addSourceOptions, describeSource, type SourceFlags } from './options.ts';

interface FilterFlags extends SourceFlags, ModelOptions {
  readonly by: 'match';
  readonly keep: number;
  readonly least?: number;
  readonly out: string;
  readonly to: WrittenFormat;
}

const EXAMPLES = `
Examples:
  sensorium data filter captions/ --model Salesforce/blip-itm-base-coco --keep 0.8 --out clean
  sensorium data filter train.jsonl --model openai/clip-vit-base-patch32 --least 0.2 --out clean --to webdataset

Each answer is held against its picture by a model that compares both, and the best share is kept: probabilities where the
model has a matching head (BLIP), cosines where it has none (CLIP).
`;

/** `sensorium data filter`. */
export function registerFilter(data: Command): void {
  addSourceOptions(
    addModelOptions(data.command('filter').description('keep the captions that fit their pictures best')),
  )
    .addOption(new Option('--by <what>', 'what is measured').choices(['match']).default('match'))
    .option('--keep <share>', 'how many are kept, of those that can be scored', share, 0.8)
    .option('--least <score>', 'keep what scores at least so much instead of a share', number)
    .requiredOption('--out <dir>', 'a new folder')
    .addOption(new Option('--to <format>', 'what to write').choices([...WRITTEN_FORMATS]).default('llava'))
    .addHelpText('after', EXAMPLES)
    .action(filterAction);
}

async function filterAction(path: string, flags: FilterFlags): Promise<void> {
  const { openSampleSource, writeSamples } = await import('../../../data/node/index.ts');
  const { captionFit, keepBest } = await import('../../../tasks/index.ts');
  const source = await openSampleSource(describeSource(path, flags));
  const bar = createProgress({ total: source.length, label: 'matching', stream: process.stderr });
  try {
    const model = await loadModel(flags);
    const leftOut = new LeftOut(flags.skipBad === true);
    const scores: (number | undefined)[] = [];
    try {
      for (let i = 0; i < source.length; i++) {
        scores.push(
          await leftOut.orNothing(async () => captionFit(model, await source.sample(i, { seed: 0, epoch: 0 }))),
        );
        bar.update({ step: i + 1 });
      }
    } finally {
      await model.dispose();
    }
    bar.done();
    leftOut.report();
    const { least } = flags;
    const samples =
      least === undefined
        ? keepBest(scores, flags.keep)
        : scores.flatMap((score, i) => (score !== undefined && score >= least ? [i] : []));
    const { rows } = await writeSamples(source, flags.out, { format: flags.to, samples });
    const lowest = samples.reduce((low, i) => Math.min(low, scores[i]!), Number.POSITIVE_INFINITY);
    process.stdout.write(
      printable(
        `${samples.length} of ${source.length} samples (${rows} rows) in ${flags.out}; the lowest score is ${lowest.toFixed(3)}\n`,
      ),
    );
  } finally {
    bar.done();
    await source.close?.();
  }
}
