import process from 'node:process';
import { type Command, Option } from 'commander';
import { LANGUAGES, TRAINING_SETS, type DrawingSet, type Language } from '../../../data/index.ts';
import { preparationReport } from '../../../core/node/index.ts';
import { range, whole } from '../../arguments.ts';

interface SynthFlags {
  readonly out: string;
  readonly count: number;
  readonly seed: number;
  readonly set?: readonly DrawingSet[];
  readonly size?: number;
  readonly objects?: readonly [number, number];
  readonly side?: readonly [number, number];
  readonly questions?: number;
  readonly languages?: readonly Language[];
  readonly vary: boolean;
}

const EXAMPLES = `
Examples:
  sensorium data synth --out scenes --count 1000 --seed 1
  sensorium data synth --out small --count 20 --set noto --size 224 --languages en
  sensorium data synth --out unseen --count 500 --seed 9 --set openmoji --objects 2-6 --no-vary

Each picture comes with conversations in LLaVA's form (data.jsonl): existence, kind, colour, number, comparison, position, reading,
boxes, names, captions, steps and instructions. scenes.jsonl says what is in each picture. Equal options give equal files.
Drawings of openmoji are for tests: their licence does not allow to share weights that were trained on them as one likes.
`;

/** `sensorium data synth`. */
export function registerSynth(data: Command): void {
  data
    .command('synth')
    .description('make pictures of drawings with questions, answers, captions and boxes')
    .requiredOption('--out <dir>', 'a new folder for them')
    .requiredOption('--count <n>', 'pictures', whole(0))
    .option('--seed <n>', 'chance; equal seeds give equal pictures', whole(0), 0)
    .addOption(
      new Option('--set <name...>', `drawings; all that may be trained on unless told`).choices([
        ...TRAINING_SETS,
        'openmoji',
      ]),
    )
    .option('--size <pixels>', 'side of the pictures; 112 unless told', whole(0))
    .option('--objects <range>', 'drawings in a picture, e.g. 2-6; 1-6 unless told', range)
    .option('--side <range>', "side of a drawing as a part of the picture's, e.g. 0.15-0.4", range)
    .option('--questions <n>', 'questions about each picture; 10 unless told', whole(0))
    .addOption(new Option('--languages <name...>', 'both unless told').choices([...LANGUAGES]))
    .option('--no-vary', 'leave drawings as they are: not turned, mirrored or tinted, none alone or enlarged')
    .addHelpText('after', EXAMPLES)
    .action(synthAction);
}

async function synthAction({ out, count, set, vary, ...flags }: SynthFlags): Promise<void> {
  const { writeScenes } = await import('../../../data/node/index.ts');
  const { defaultCacheFolder } = await import('../../../recipe/node/index.ts');
  const progress = preparationReport(process.stderr);
  const written = await writeScenes(
    out,
    {
      ...flags,
      count,
      sets: set ?? TRAINING_SETS,
      cacheFolder: defaultCacheFolder(),
      ...(vary ? {} : { vary, mixed: 0, singles: 0, fewAreBigger: false }),
    },
    progress.report,
  ).finally(progress.done);
  process.stdout.write(`${written.scenes} pictures and ${written.conversations} conversations in ${out}\n`);
}
