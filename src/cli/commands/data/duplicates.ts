import process from 'node:process';
import { type Command, Option } from 'commander';
import { createProgress } from '../../../core/node/index.ts';
import {
  findDuplicates,
  type DuplicateKey,
  MAX_DISTANCE,
  type SampleSignature,
  sampleSignature,
  WRITTEN_FORMATS,
  type WrittenFormat,
} from '../../../data/index.ts';
import { whole } from '../../arguments.ts';
import { printable } from '../../report-error.ts';
import { LeftOut } from './left-out.ts';
import { addSourceOptions, describeSource, type SourceFlags } from './options.ts';

interface DuplicateFlags extends SourceFlags {
  readonly by: DuplicateKey;
  readonly distance: number;
  readonly out?: string;
  readonly to: WrittenFormat;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  sensorium data duplicates train.jsonl                          pairs that show and say the same
  sensorium data duplicates train.jsonl --by pictures            the same picture, whatever is said
  sensorium data duplicates train.jsonl --out clean --to llava   written without them

Pictures are compared by 64 signs of brightness and their mean colour, so that one made smaller or packed anew is found again;
texts without capitals and punctuation.
`;

/** `sensorium data duplicates`. */
export function registerDuplicates(data: Command): void {
  addSourceOptions(data.command('duplicates').description('find samples that are there twice'))
    .addOption(new Option('--by <what>', 'what must be the same').choices(['pictures', 'text', 'both']).default('both'))
    .option('--distance <n>', `signs of pictures that may differ, 0 to ${MAX_DISTANCE}`, whole(0, MAX_DISTANCE), 2)
    .option('--out <dir>', 'write all samples but these into a new folder')
    .addOption(new Option('--to <format>', 'what to write').choices([...WRITTEN_FORMATS]).default('llava'))
    .option('--json', 'print pairs as JSON')
    .addHelpText('after', EXAMPLES)
    .action(duplicatesAction);
}

async function duplicatesAction(path: string, flags: DuplicateFlags): Promise<void> {
  const { openSampleSource, writeSamples } = await import('../../../data/node/index.ts');
  const source = await openSampleSource(describeSource(path, flags));
  const bar = createProgress({ total: source.length, label: 'comparing', stream: process.stderr });
  try {
    const signatures: SampleSignature[] = [];
    const ids: string[] = [];
    const places: number[] = [];
    const leftOut = new LeftOut(flags.skipBad === true);
    for (let i = 0; i < source.length; i++) {
      const read = await leftOut.orNothing(async () => {
        const sample = await source.sample(i, { seed: 0, epoch: 0 });
        const pictures = [];
        for (const each of sample.pictures) pictures.push(await each.open());
        return { id: sample.id, signature: sampleSignature(sample, pictures) };
      });
      if (read !== undefined) {
        signatures.push(read.signature);
        ids.push(read.id);
        places.push(i);
      }
      bar.update({ step: i + 1 });
    }
    bar.done();
    leftOut.report();
    const found = findDuplicates(signatures, flags.by, flags.distance);
    for (const { index, of } of found) {
      const pair = { index: places[index], id: ids[index], of: places[of], ofId: ids[of] };
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify(pair)}\n`
          : printable(`#${pair.index} ${pair.id}  is the same as  #${pair.of} ${pair.ofId}\n`),
      );
    }
    process.stderr.write(`${found.length} of ${places.length} samples are there already\n`);
    if (flags.out === undefined) return;
    const left = new Set(found.map(({ index }) => index));
    const samples = places.filter((_, i) => !left.has(i));
    const { rows } = await writeSamples(source, flags.out, { format: flags.to, samples });
    process.stderr.write(printable(`${rows} rows in ${flags.out}\n`));
  } finally {
    bar.done();
    await source.close?.();
  }
}
