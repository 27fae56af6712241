/** Ends training processes at random moments, lets them go on, and compares with a run that was never disturbed. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/core/index.ts';
import type { BenchOptions, Figure } from './types.ts';
import { TINY_RECIPE, writeTinyVqa } from './workloads/tiny-vqa.ts';

export const description: string =
  'kill -9 at 50 random moments of a training run, resume, compare every bit (--rounds: how often; --starter)';

/** How a process ended. */
interface Ended {
  readonly code: number | null;
  readonly killed: boolean;
  readonly output: string;
  /** Milliseconds from the first record of the run to its end. */
  readonly course: number;
}

/** Runs `sensorium train` and ends it after a time. */
export interface TrialOptions {
  /** The built command line, `dist/src/cli/main.js`. */
  readonly cli: string;
  /** A folder that may be filled. */
  readonly folder: string;
  readonly trials: number;
  readonly seed: number;
  readonly signal: 'SIGKILL' | 'SIGINT';
  /** Over which part of an undisturbed run's time, from its first record, moments are spread; 0.6 by default. */
  readonly spread?: number;
  onTrial?(trial: Trial): void;
}

/** One disturbed run. */
export interface Trial {
  /** Milliseconds from the first record of the run to the signal. */
  readonly moment: number;
  /** Steps that were recorded when the process ended. */
  readonly step: number;
  /** Exit code of the disturbed process; null where the signal ended it. */
  readonly code: number | null;
  /** Whether weights, averaged weights, optimizer, model, losses and result equal those of the undisturbed run. */
  readonly identical: boolean;
  /** Whether a checkpoint was found that could not be read. */
  readonly unreadable: boolean;
  readonly output: string;
}

/** Disturbs as many runs as asked for, each at another moment of its course, and resumes each one. */
export async function disturbRuns(options: TrialOptions): Promise<Trial[]> {
  const { cli, folder, trials, seed, signal, spread = 0.6, onTrial } = options;
  const data = join(folder, 'data');
  await writeTinyVqa(data);
  await writeFile(join(folder, 'recipe.yaml'), TINY_RECIPE);
  const args = [join(folder, 'recipe.yaml'), '--data', data];
  return disturbRecipe(
    { cli, folder, args, trials, random: new Random(seed), signal, onTrial },
    (whole) => spread * whole,
  );
}

/** One recipe, and how often it is disturbed. */
interface Disturbance extends Pick<TrialOptions, 'cli' | 'folder' | 'trials' | 'signal'> {
  /** The recipe, and what changes it. */
  readonly args: readonly string[];
  readonly random: Random;
  readonly onTrial: TrialOptions['onTrial'] | undefined;
}

/** @param within from an undisturbed run's milliseconds, in all and from the first record, to those over which moments are spread */
async function disturbRecipe(
  { cli, folder, args, trials, random, signal, onTrial }: Disturbance,
  within: (whole: number, course: number) => number,
): Promise<Trial[]> {
  const train = (
    name: string,
    more: readonly string[],
    disturb?: { after: number; signal: NodeJS.Signals },
  ): Promise<Ended> =>
    runCli(cli, ['train', ...args, '--out', join(folder, name), ...more], join(folder, name), disturb);

  // The second one, with warm caches, gives the time over which moments are spread.
  await mustSucceed(train('reference', []));
  const began = performance.now();
  const { course } = await mustSucceed(train('again', []));
  const spread = within(performance.now() - began, course);
  const reference = await fingerprint(join(folder, 'reference'));
  if ((await fingerprint(join(folder, 'again'))) !== reference) throw new Error('two undisturbed runs differ');

  const results: Trial[] = [];
  for (let i = 0; i < trials; i++) {
    const name = `trial-${i}`;
    const moment = random.uniform() * spread;
    const first = await train(name, [], { after: moment, signal });
    const step = await recordedSteps(join(folder, name));
    const second = await train(name, ['--resume']);
    const identical = second.code === 0 && (await fingerprint(join(folder, name))) === reference;
    const unreadable = second.output.includes('is passed over');
    const trial = { moment, step, code: first.code, identical, unreadable, output: first.output + second.output };
    results.push(trial);
    onTrial?.(trial);
    await rm(join(folder, name), { recursive: true, force: true });
  }
  return results;
}

/** The starter's stages at a size at which dozens of runs take minutes. */
const SMALL = [
  'data.length=96',
  'data.learned=48',
  'train.steps=40',
  'train.batch=2',
  'train.checkpointEvery=3',
  'train.threads=1',
];
/** The same of the model that the first stage makes. */
const SMALL_MODEL = [
  'vocabulary=600',
  'config.connector_hidden_size=16',
  'config.projection_dim=8',
  'config.vision_config.image_size=32',
  'config.vision_config.stem_channels=[8, 8]',
  'config.vision_config.hidden_size=16',
  'config.vision_config.intermediate_size=24',
  'config.vision_config.num_hidden_layers=1',
  'config.text_config.hidden_size=16',
  'config.text_config.intermediate_size=24',
  'config.text_config.num_hidden_layers=1',
];

/** Disturbs each stage of the starter's recipes, every one of which begins with what the one before it made undisturbed. */
async function disturbStages(options: Omit<TrialOptions, 'spread'>): Promise<Trial[]> {
  // Beside this file's sources and not its compiled form.
  const recipes = fileURLToPath(new URL('../../recipes/starter', import.meta.url));
  const stages = (await readdir(recipes)).filter((name) => name.endsWith('.yaml')).sort();
  const random = new Random(options.seed);
  const results: Trial[] = [];
  let before: string | undefined;
  for (const [number, stage] of stages.entries()) {
    const folder = join(options.folder, stage.replace(/\.yaml$/, ''));
    const source = await readFile(join(recipes, stage), 'utf8');
    const sets = [
      ...SMALL,
      ...(before === undefined ? SMALL_MODEL.map((set) => `model.create.${set}`) : [`model.from=${before}/model`]),
      ...(source.includes('conceptsFrom:')
        ? [`model.conceptsFrom=${join(options.folder, stages[0]!.replace(/\.yaml$/, ''), 'reference')}`]
        : []),
    ];
    const args = [join(recipes, stage), ...sets.flatMap((set) => ['--set', set])];
    // As many trials of each as can be, the first ones taking what is over.
    const trials = Math.floor(options.trials / stages.length) + (number < options.trials % stages.length ? 1 : 0);
    process.stderr.write(`${stage}\n`);
    results.push(
      ...(await disturbRecipe(
        { ...options, onTrial: options.onTrial, folder, args, trials, random },
        (_, course) => course,
      )),
    );
    before = join(folder, 'reference');
  }
  return results;
}

/** As `sensorium bench crash-safety`. */
export async function* run({ rounds, starter = false }: BenchOptions): AsyncGenerator<Figure> {
  // The default number of rounds is meant for timings.
  const trials = rounds === 7 ? 50 : rounds;
  const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), 'sensorium-crash-'));
  try {
    const results = await (starter ? disturbStages : disturbRuns)({
      cli,
      folder,
      trials,
      seed: Date.now(),
      signal: 'SIGKILL',
      onTrial: ({ moment, step, identical, unreadable }) => {
        const verdict = unreadable ? 'an unreadable checkpoint' : identical ? 'identical' : 'DIFFERENT';
        process.stderr.write(
          `killed ${Math.round(moment)} ms after the first record, ${step} steps done: ${verdict}\n`,
        );
      },
    });
    const same = results.filter(({ identical }) => identical).length;
    process.stderr.write(`${same} of ${trials} bit-identical\n`);
    yield { name: 'crash-safety identical', value: same, unit: `of ${trials}` };
    yield {
      name: 'crash-safety unreadable checkpoints',
      value: results.filter(({ unreadable }) => unreadable).length,
      unit: `of ${trials}`,
    };
    yield {
      name: 'crash-safety ended in mid-run',
      value: results.filter(({ code }) => code === null).length,
      unit: `of ${trials}`,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param out folder of the run, whose first record starts the clock of `disturb` */
function runCli(
  cli: string,
  args: readonly string[],
  out: string,
  disturb?: { after: number; signal: NodeJS.Signals },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (text) => (output += String(text)));
    child.stderr.on('data', (text) => (output += String(text)));
    let ended = false;
    let recorded = Number.NaN;
    child.on('error', reject);
    child.on('close', (code, signal) => {
      ended = true;
      resolve({ code, killed: signal !== null, output, course: performance.now() - recorded });
    });
    const watch = async (): Promise<void> => {
      while (!ended && (await recordedSteps(out)) === 0) await new Promise((next) => setTimeout(next, 5));
      recorded = performance.now();
      if (disturb !== undefined) setTimeout(() => !ended && child.kill(disturb.signal), disturb.after);
    };
    watch().catch(reject);
  });
}

async function mustSucceed(run: Promise<Ended>): Promise<Ended> {
  const ended = await run;
  if (ended.code !== 0) throw new Error(`training failed with exit code ${ended.code}:\n${ended.output}`);
  return ended;
}

async function recordedSteps(folder: string): Promise<number> {
  const text = await readFile(join(folder, 'metrics.jsonl'), 'utf8').catch(() => '');
  return text.split('"kind":"train"').length - 1;
}

/** All that must be equal, as one text. Times are left out. */
async function fingerprint(folder: string): Promise<string> {
  const checkpoints = (await readdir(join(folder, 'checkpoints'))).sort();
  const newest = join(folder, 'checkpoints', checkpoints.at(-1)!);
  const files = [
    join(newest, 'model.safetensors'),
    join(newest, 'optimizer.safetensors'),
    join(folder, 'model', 'model.safetensors'),
    // Where the objectives have vectors of concepts.
    ...[join(folder, 'concepts.safetensors')].filter((file) => existsSync(file)),
  ];
  const bytes = await Promise.all(files.map(async (file) => (await readFile(file)).toString('base64')));
  const metrics = (await readFile(join(folder, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.stringify({ ...(JSON.parse(line) as object), seconds: 0, samplesPerSecond: 0 }));
  const {
    folder: _,
    training: __,
    model: ___,
    ...result
  } = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as Record<string, unknown>;
  return JSON.stringify([checkpoints.at(-1), bytes, metrics, result]);
}
