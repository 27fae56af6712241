/** Ends training processes at random moments, lets them go on, and compares with a run that was never disturbed. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/core/index.ts';
import type { Figure } from './types.ts';
import { TINY_CLEVR_RECIPE } from './workloads/tiny-clevr.ts';
import { TINY_RECIPE, writeTinyVqa } from './workloads/tiny-vqa.ts';

export const description: string =
  'kill -9 at 50 random moments of each of two training runs, resume, compare every bit (--rounds: how often)';

/** How a process ended. */
interface Ended {
  readonly code: number | null;
  readonly killed: boolean;
  readonly output: string;
}

/** What is trained: a recipe, and the data that `--data` names where it needs some. */
export interface Workload {
  readonly recipe: string;
  writeData?(folder: string): Promise<void>;
}

/** Workloads of some seconds each. */
export const WORKLOADS: Readonly<Record<'easy-vqa' | 'sort-of-clevr', Workload>> = {
  'easy-vqa': { recipe: TINY_RECIPE, writeData: writeTinyVqa },
  'sort-of-clevr': { recipe: TINY_CLEVR_RECIPE },
};

/** Runs `sensorium train` and ends it after a time. */
export interface TrialOptions {
  /** The built command line, `dist/src/cli/main.js`. */
  readonly cli: string;
  /** A folder that may be filled. */
  readonly folder: string;
  readonly trials: number;
  readonly seed: number;
  readonly signal: 'SIGKILL' | 'SIGINT';
  /** easy-VQA's by default. */
  readonly workload?: Workload;
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
  const { cli, folder, trials, seed, signal, workload = WORKLOADS['easy-vqa'], spread = 0.6 } = options;
  const data = join(folder, 'data');
  await mkdir(folder, { recursive: true });
  await workload.writeData?.(data);
  await writeFile(join(folder, 'recipe.yaml'), workload.recipe);
  const given = workload.writeData === undefined ? [] : ['--data', data];
  const train = (
    name: string,
    more: readonly string[],
    disturb?: { after: number; signal: NodeJS.Signals },
  ): Promise<Ended> =>
    runCli(
      cli,
      ['train', join(folder, 'recipe.yaml'), ...given, '--out', join(folder, name), ...more],
      join(folder, name),
      disturb,
    );

  // The second one, with warm caches, gives the time over which moments are spread.
  await mustSucceed(train('reference', []));
  const began = performance.now();
  await mustSucceed(train('again', []));
  const whole = performance.now() - began;
  const reference = await fingerprint(join(folder, 'reference'));
  if ((await fingerprint(join(folder, 'again'))) !== reference) throw new Error('two undisturbed runs differ');

  const random = new Random(seed);
  const results: Trial[] = [];
  for (let i = 0; i < trials; i++) {
    const name = `trial-${i}`;
    const moment = random.uniform() * spread * whole;
    const first = await train(name, [], { after: moment, signal });
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
export async function* run({ rounds }: { rounds: number }): AsyncGenerator<Figure> {
  // The default number of rounds is meant for timings.
  const trials = rounds === 7 ? 50 : rounds;
  for (const [name, workload] of Object.entries(WORKLOADS)) yield* disturb(name, workload, trials);
}

async function* disturb(name: string, workload: Workload, trials: number): AsyncGenerator<Figure> {
  const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), 'sensorium-crash-'));
  try {
    const results = await disturbRuns({
      cli,
      folder,
      trials,
      seed: Date.now(),
      signal: 'SIGKILL',
      workload,
      onTrial: ({ moment, step, identical, unreadable }) => {
        const verdict = unreadable ? 'an unreadable checkpoint' : identical ? 'identical' : 'DIFFERENT';
        process.stderr.write(
          `${name}: killed ${Math.round(moment)} ms after the first record, ${step} steps done: ${verdict}\n`,
        );
      },
    });
    const same = results.filter(({ identical }) => identical).length;
    process.stderr.write(`${name}: ${same} of ${trials} bit-identical\n`);
    yield { name: `crash-safety ${name} identical`, value: same, unit: `of ${trials}` };
    yield {
      name: `crash-safety ${name} unreadable checkpoints`,
      value: results.filter(({ unreadable }) => unreadable).length,
      unit: `of ${trials}`,
    };
    yield {
      name: `crash-safety ${name} ended in mid-run`,
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
    child.on('error', reject);
    child.on('close', (code, signal) => {
      ended = true;
      resolve({ code, killed: signal !== null, output });
    });
    if (disturb === undefined) return;
    const { after, signal } = disturb;
    const watch = async (): Promise<void> => {
      while (!ended && (await recordedSteps(out)) === 0) await new Promise((next) => setTimeout(next, 5));
      setTimeout(() => !ended && child.kill(signal), after);
    };
    watch().catch(reject);
  });
}

async function mustSucceed(run: Promise<Ended>): Promise<void> {
  const { code, output } = await run;
  if (code !== 0) throw new Error(`training failed with exit code ${code}:\n${output}`);
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
  ];
  const bytes = await Promise.all(files.map(async (file) => (await readFile(file)).toString('base64')));
  const metrics = (await readFile(join(folder, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.stringify({ ...(JSON.parse(line) as object), seconds: 0, samplesPerSecond: 0 }));
  const {
    folder: _,
    training: __,
    ...result
  } = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as Record<string, unknown>;
  return JSON.stringify([checkpoints.at(-1), bytes, metrics, result]);
}
