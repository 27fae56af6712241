/** Ends training processes at random moments, lets them go on, and compares with a run that was never disturbed. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/core/index.ts';
import type { BenchOptions, Figure } from './types.ts';
import { TINY_CLEVR_RECIPE } from './workloads/tiny-clevr.ts';
import { TINY_RECIPE, writeTinyVqa } from './workloads/tiny-vqa.ts';

export const description: string =
  "kill -9 at 50 random moments of each of two training runs (--starter: of the starter's stages), resume, compare every bit";

/** How a process ended. */
interface Ended {
  /** Exit code; null where a signal ended it. */
  readonly code: number | null;
  readonly output: string;
  /** Milliseconds from the first record of the run to the end of the process. */
  readonly course: number;
}

/** What is trained. */
export interface Workload {
  /** Writes what is read into a folder. @returns arguments of `sensorium train`, less `--out` */
  prepare(folder: string): Promise<readonly string[]>;
}

/** Workloads of some seconds each. */
export const WORKLOADS: Readonly<Record<'easy-vqa' | 'sort-of-clevr', Workload>> = {
  'easy-vqa': {
    async prepare(folder) {
      const data = join(folder, 'data');
      await writeTinyVqa(data);
      return [await writeRecipe(folder, TINY_RECIPE), '--data', data];
    },
  },
  'sort-of-clevr': { prepare: async (folder) => [await writeRecipe(folder, TINY_CLEVR_RECIPE)] },
};

async function writeRecipe(folder: string, text: string): Promise<string> {
  const path = join(folder, 'recipe.yaml');
  await writeFile(path, text);
  return path;
}

/** Runs `sensorium train` and ends it after a time. */
export interface TrialOptions {
  /** The built command line, `dist/src/cli/main.js`. */
  readonly cli: string;
  /** A folder that may be filled. The undisturbed run stays in {@link REFERENCE} there. */
  readonly folder: string;
  readonly trials: number;
  readonly seed: number;
  readonly signal: 'SIGKILL' | 'SIGINT';
  /** easy-VQA's by default. */
  readonly workload?: Workload;
  /** Over which part of an undisturbed run's time, from its first record to its end, moments are spread; 0.9 by default. */
  readonly spread?: number;
  onTrial?(trial: Trial): void;
}

/** One disturbed run. */
export interface Trial {
  /** Milliseconds from the first record of the run to the signal. */
  readonly moment: number;
  /** Steps that were recorded when the process ended. */
  readonly step: number;
  /** Exit code of the disturbed process: null where the signal ended it, 0 where it had come to its end before. */
  readonly code: number | null;
  /** Whether weights, averaged weights, optimizer, model, losses and result equal those of the undisturbed run. */
  readonly identical: boolean;
  /** Whether a checkpoint was found that could not be read. */
  readonly unreadable: boolean;
  readonly output: string;
}

const REFERENCE = 'reference';

/** Disturbs as many runs as asked for, each at another moment of its course, and resumes each one. */
export async function disturbRuns(options: TrialOptions): Promise<Trial[]> {
  const { cli, folder, trials, seed, signal, workload = WORKLOADS['easy-vqa'], spread = 0.9 } = options;
  await mkdir(folder, { recursive: true });
  const given = await workload.prepare(folder);
  const train = (
    name: string,
    more: readonly string[],
    disturb?: { after: number; signal: NodeJS.Signals },
  ): Promise<Ended> =>
    runCli(cli, ['train', ...given, '--out', join(folder, name), ...more], join(folder, name), disturb);

  // The second one, with warm caches, gives the time over which moments are spread.
  await mustSucceed(train(REFERENCE, []));
  const { course } = await mustSucceed(train('again', []));
  const reference = await fingerprint(join(folder, REFERENCE));
  if ((await fingerprint(join(folder, 'again'))) !== reference) throw new Error('two undisturbed runs differ');

  const random = new Random(seed);
  const results: Trial[] = [];
  for (let i = 0; i < trials; i++) {
    const name = `trial-${i}`;
    const moment = random.uniform() * spread * course;
    const first = await train(name, [], { after: moment, signal });
    // 130 is how Ctrl-C ends a run.
    if (first.code !== null && first.code !== 0 && first.code !== 130) throw failure(first);
    const step = await recordedSteps(join(folder, name));
    const second = await train(name, ['--resume']);
    const identical = second.code === 0 && (await fingerprint(join(folder, name))) === reference;
    const unreadable = second.output.includes('is passed over');
    const trial = { moment, step, code: first.code, identical, unreadable, output: first.output + second.output };
    results.push(trial);
    options.onTrial?.(trial);
    await rm(join(folder, name), { recursive: true, force: true });
  }
  return results;
}

/** As `sensorium bench crash-safety`. */
export async function* run({ rounds, starter = false }: BenchOptions): AsyncGenerator<Figure> {
  // The default number of rounds is meant for timings.
  const trials = rounds === 7 ? 50 : rounds;
  const scratch = await mkdtemp(join(tmpdir(), 'sensorium-crash-'));
  try {
    const workloads = starter ? await stageWorkloads(scratch) : Object.entries(WORKLOADS);
    for (const [name, workload] of workloads) yield* disturb(name, workload, join(scratch, name), trials);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The starter's stages, each of which begins with what those before it made undisturbed. */
async function stageWorkloads(scratch: string): Promise<[name: string, workload: Workload][]> {
  // Only now, since it brings engines with it.
  const { starterStages } = await import('./workloads/starter-stages.ts');
  const stages = await starterStages((name) => join(scratch, name, REFERENCE));
  return stages.map(({ name, args }) => [name, { prepare: () => Promise.resolve(args) }]);
}

async function* disturb(name: string, workload: Workload, folder: string, trials: number): AsyncGenerator<Figure> {
  const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const results = await disturbRuns({
    cli,
    folder,
    trials,
    seed: Date.now(),
    signal: 'SIGKILL',
    workload,
    onTrial: (trial) => process.stderr.write(`${name}: ${describe(trial)}\n`),
  });
  yield* crashFigures(name, results);
}

/** What trials with SIGKILL came to. A run that was over before the signal came says nothing about resuming. */
export function crashFigures(name: string, trials: readonly Trial[]): Figure[] {
  const killed = trials.filter(({ code }) => code === null);
  const figure = (what: string, value: number, of: readonly Trial[]): Figure => ({
    name: `crash-safety ${name} ${what}`,
    value,
    unit: `of ${of.length}`,
  });
  return [
    figure('identical', killed.filter(({ identical }) => identical).length, killed),
    figure('unreadable checkpoints', trials.filter(({ unreadable }) => unreadable).length, trials),
    figure('over before the signal', trials.length - killed.length, trials),
  ];
}

function describe({ moment, step, code, identical, unreadable }: Trial): string {
  const verdict = unreadable ? 'an unreadable checkpoint' : identical ? 'identical' : 'DIFFERENT';
  const after = `${Math.round(moment)} ms after the first record`;
  return code === null
    ? `killed ${after}, ${step} steps done: ${verdict}`
    : `over before the signal, ${after}; resumed all the same: ${verdict}`;
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
    child.on('error', (error) => {
      ended = true;
      reject(error);
    });
    child.on('close', (code) => {
      ended = true;
      resolve({ code, output, course: performance.now() - recorded });
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
  if (ended.code !== 0) throw failure(ended);
  return ended;
}

function failure({ code, output }: Ended): Error {
  return new Error(`training failed with exit code ${code}:\n${output}`);
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
