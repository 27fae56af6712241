import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quantizeCheckpoint } from '../src/hub/node/index.ts';
import { MemoryReader } from './bandwidth.ts';
import { Peer } from './peer.ts';
import { type Sample, undisturbed, watched } from './quiet.ts';
import { type BenchOptions, type Figure, median } from './types.ts';
import { TEXT_BYTES, writeRandomCheckpoint } from './workloads/smolvlm.ts';

export const description =
  "Pictures read, prompts read and tokens written at SmolVLM-256M's size, beside transformers and llama.cpp";

/** Tokens of the prompt. */
const CONTEXT = 1024;
/** Tokens written in a round. */
const WRITTEN = 32;
const LONG = 2000;
/** Patches of a tile. */
const PATCHES = 1024;

/** What is measured of one side: a command to it, and how many of what a run of it does. */
interface Task {
  readonly name: string;
  readonly command: string;
  readonly amount: number;
  readonly unit: string;
}

const TASKS = {
  encode: { name: 'picture encoding, fp32', command: 'encode 1', amount: PATCHES, unit: 'patches/s' },
  prefill: { name: `reading ${CONTEXT} tokens, fp32`, command: 'prefill 1', amount: CONTEXT, unit: 'tokens/s' },
  decode: { name: `writing after ${CONTEXT}, fp32`, command: `decode ${WRITTEN}`, amount: 1, unit: 'tokens/s' },
  prefill4: { name: `reading ${CONTEXT} tokens, int4`, command: 'prefill 1 int4', amount: CONTEXT, unit: 'tokens/s' },
  decode4: { name: `writing after ${CONTEXT}, int4`, command: `decode ${WRITTEN} int4`, amount: 1, unit: 'tokens/s' },
} as const satisfies Record<string, Task>;
type TaskName = keyof typeof TASKS;

class Side {
  readonly name: string;
  readonly peer: Peer;
  readonly tasks: readonly TaskName[];
  readonly samples: Record<TaskName, Sample[]> = { encode: [], prefill: [], decode: [], prefill4: [], decode4: [] };

  constructor(name: string, peer: Peer, tasks: readonly TaskName[]) {
    this.name = name;
    this.peer = peer;
    this.tasks = tasks;
  }

  async measure(task: TaskName): Promise<void> {
    if (!this.tasks.includes(task)) return;
    const { result, disturbance } = await watched(this.peer.pid, () => this.peer.ask(TASKS[task].command));
    if (typeof result['error'] === 'string') throw new Error(`${this.name}: ${result['error']}`);
    this.samples[task].push({ value: result['seconds'] as number, disturbance });
  }

  /** Median over the rounds that nobody disturbed. */
  seconds(task: TaskName): number {
    return median(undisturbed(this.samples[task], 3).map(({ value }) => value));
  }
}

export async function* run(options: BenchOptions): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'sensorium-generate-'));
  const sides: Side[] = [];
  try {
    await writeRandomCheckpoint(join(folder, 'fp32'));
    await quantizeCheckpoint(join(folder, 'fp32'), join(folder, 'int4'));
    const missing = await start(options, folder, sides);
    if (options.long === true) yield* long(sides[0]!);
    else yield* compare(options, sides);
    yield* missing;
  } finally {
    for (const { peer } of sides) peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param sides receives those that can be had  @returns what is said of the others */
async function start(options: BenchOptions, folder: string, sides: Side[]): Promise<Figure[]> {
  const { threads, python, modules, tiles = 1 } = options;
  const file = (name: string): string => fileURLToPath(new URL(`../../bench/peers/${name}`, import.meta.url));
  const sizes = ['--threads', String(threads), '--context', String(CONTEXT)];
  const own = fileURLToPath(new URL('./generate-worker.js', import.meta.url));
  const [fp32, int4] = [join(folder, 'fp32'), join(folder, 'int4')];
  const args = [own, fp32, int4, String(threads), String(tiles), String(CONTEXT)];
  sides.push(
    new Side('Sensorium', await Peer.start(process.execPath, args, threads), Object.keys(TASKS) as TaskName[]),
  );
  if (options.long === true) return [];
  const missing: Figure[] = [];
  const add = async (
    name: string,
    command: string | undefined,
    args: string[],
    tasks: TaskName[],
    hint: string,
  ): Promise<void> => {
    try {
      if (command === undefined) throw new Error(hint);
      sides.push(new Side(name, await Peer.start(command, args, threads), tasks));
    } catch (error) {
      const note = `left out: ${(error as Error).message}`;
      missing.push({ name: TASKS[tasks[0]!].name, value: Number.NaN, unit: TASKS[tasks[0]!].unit, peer: name, note });
    }
  };
  await add(
    'transformers (PyTorch)',
    python,
    [file('torch_generate.py'), fp32, '--tiles', String(tiles), ...sizes],
    ['encode', 'prefill', 'decode'],
    'give --python a Python that has torch and transformers',
  );
  await add(
    'llama.cpp Q4_0',
    modules === undefined ? undefined : process.execPath,
    [file('llama_cpp.mjs'), fp32, '--modules', modules ?? '', ...sizes],
    ['prefill4', 'decode4'],
    'give --modules a node_modules folder that has @node-llama-cpp/linux-x64',
  );
  return missing;
}

async function* compare({ rounds, threads, tiles = 1 }: BenchOptions, sides: readonly Side[]): AsyncGenerator<Figure> {
  const own = sides[0]!;
  const reader = await MemoryReader.start(threads);
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    rates.push(await reader.bytesPerSecond());
    for (const task of Object.keys(TASKS) as TaskName[]) for (const side of sides) await side.measure(task);
  }
  await reader.stop();

  for (const task of Object.keys(TASKS) as TaskName[]) {
    const { name, amount, unit } = TASKS[task];
    const times = task === 'encode' ? tiles : 1;
    const rate = (side: Side): number => (times * amount) / side.seconds(task);
    const figure = { name, value: rate(own), unit };
    const peers = sides.filter((side) => side !== own && side.tasks.includes(task));
    for (const side of peers)
      yield { ...figure, peer: side.name, peerValue: rate(side), ratio: rate(own) / rate(side), ...noteOf(own, task) };
    if (peers.length === 0) yield { ...figure, ...noteOf(own, task) };
  }
  const written = { fp32: 1 / own.seconds('decode'), int4: 1 / own.seconds('decode4') };
  const unit = 'tokens/s';
  yield {
    name: 'writing, int4 beside fp32',
    value: written.int4,
    unit,
    peer: 'its own fp32',
    peerValue: written.fp32,
    ratio: written.int4 / written.fp32,
  };
  // Threads that are kept waiting read less than the memory gives: the best round is the bound.
  const bandwidth = Math.max(...rates);
  const bound = bandwidth / TEXT_BYTES;
  yield {
    name: 'writing, fp32, share of the bound',
    value: written.fp32,
    unit,
    peer: `memory read at ${(bandwidth / 1e9).toFixed(1)} GB/s`,
    peerValue: bound,
    ratio: written.fp32 / bound,
  };
  for (const side of sides)
    yield { name: `peak memory, ${side.name}`, value: (await side.peer.peakBytes()) / 2 ** 20, unit: 'MiB' };
}

function noteOf(side: Side, task: TaskName): { note?: string } {
  const all = side.samples[task];
  const counted = undisturbed(all, 3).length;
  return counted === all.length ? {} : { note: `${all.length - counted} of ${all.length} rounds were disturbed` };
}

/** One long answer: whether tokens take longer and longer, or memory grows. */
async function* long({ peer }: Side): AsyncGenerator<Figure> {
  for (const form of ['fp32', 'int4']) {
    const answer = await peer.ask(`long ${LONG} ${form}`);
    const times = answer['times'] as number[];
    // Around a token, since a single one may be disturbed.
    const around = (token: number): number => median(times.slice(Math.max(0, token - 25), token + 25));
    const [early, late] = [around(100), around(LONG)];
    yield {
      name: `token ${LONG}, ${form}`,
      value: late * 1000,
      unit: 'ms',
      peer: 'token 100',
      peerValue: early * 1000,
      ratio: early / late,
    };
    yield {
      name: `memory from token 100 to ${LONG}, ${form}`,
      value: (answer['growth'] as number) / 2 ** 20,
      unit: 'MiB',
    };
  }
}
