import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { RecipeError } from '../../core/index.ts';
import { PACKAGE_ROOT } from '../../core/node/index.ts';
import { number, whole } from '../arguments.ts';

/** One figure of a measurement. A ratio above 1 means that Sensorium is better than the peer. */
interface BenchFigure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer?: string;
  readonly ratio?: number;
  readonly note?: string;
}

/** What `--rounds` and its like say; each measurement takes what it needs. */
interface BenchOptions {
  readonly rounds: number;
  readonly threads: number;
  readonly python?: string;
  readonly modules?: string;
  readonly tiles?: number;
  readonly long?: boolean;
  readonly minutes?: number;
  readonly clients?: number;
  readonly data?: string;
  readonly model?: string;
  readonly starter?: boolean;
}

/** What a module in `bench/` exports to be found by `sensorium bench`. */
interface BenchModule {
  /** A line on what is measured. */
  readonly description?: string;
  run(options: BenchOptions): AsyncIterable<BenchFigure>;
}

const EXAMPLES = `
Examples:
  sensorium bench                                        list what can be measured
  sensorium bench train-step --json
  sensorium bench train-step --python .venv/bin/python   beside PyTorch
  sensorium bench generate --python .venv/bin/python --modules node_modules

A ratio above 1 means that Sensorium is better than the peer beside it.
`;

/** `sensorium bench`. */
export function registerBench(program: Command): void {
  program
    .command('bench')
    .argument('[name]', 'what to measure; without it the choices are listed')
    .description('measure, beside peers where they are installed')
    .option('--json', 'print one JSON object a line')
    .option('--rounds <n>', 'rounds, alternating with the peers; medians count', whole(1), 7)
    .option('--threads <n>', 'threads of each side', whole(1), availableParallelism())
    .option('--python <file>', 'a Python with PyTorch (and transformers), for comparisons with it')
    .option('--modules <dir>', 'a node_modules folder with the JavaScript peers, for comparisons with them')
    .option('--tiles <n>', 'generate: tiles of the picture', whole(1), 1)
    .option('--long', 'generate: one answer of 2,000 tokens, and whether it slows down or grows')
    .option('--data <path>', 'weighted-sum: folder or tar file of easy-VQA')
    .option('--model <dir>', "packing: folder of a sensorium_vl, in place of a new one of the starter's sizes")
    .option('--starter', "crash-safety: the stages of the starter's recipes, at a small size")
    .option('--minutes <n>', 'load-test: how long; 10 unless told', number)
    .option('--clients <n>', 'load-test: how many ask at a time; 64 unless told', whole(1))
    .addHelpText('after', EXAMPLES)
    .action(benchAction);
}

async function benchAction(
  name: string | undefined,
  { json, ...options }: BenchOptions & { json?: boolean },
): Promise<void> {
  const folder = pathToFileURL(`${join(PACKAGE_ROOT, 'dist', 'bench')}/`);
  const names = (await readdir(folder).catch(() => []))
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.slice(0, -3))
    .sort();
  if (name === undefined) return list(folder, names);
  if (!names.includes(name)) {
    throw new RecipeError(
      `there is no measurement '${name.slice(0, 80)}'`,
      '`sensorium bench` lists those that there are',
    );
  }
  const module = await load(folder, name);
  if (module === undefined)
    throw new RecipeError(`'${name}' cannot be run by itself`, '`sensorium bench` lists what can');
  if (json !== true) process.stdout.write(row('name', 'value', 'unit', 'ratio', 'peer', ''));
  for await (const figure of module.run(options)) {
    process.stdout.write(json === true ? `${JSON.stringify(figure)}\n` : asRow(figure));
  }
}

async function list(folder: URL, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const module = await load(folder, name);
    if (module !== undefined) process.stdout.write(`${name.padEnd(20)} ${module.description ?? ''}\n`);
  }
}

/** A module of the folder, where it can be run by name. */
async function load(folder: URL, name: string): Promise<BenchModule | undefined> {
  // Looked at before it is imported: some files are workers that begin their work at once.
  const source = await readFile(new URL(`${name}.js`, folder), 'utf8');
  if (!/^export (async )?function\*? run\b/m.test(source)) return undefined;
  const module = (await import(new URL(`${name}.js`, folder).href)) as Partial<BenchModule>;
  return typeof module.run === 'function' ? (module as BenchModule) : undefined;
}

function asRow({ name, value, unit, peer = '', ratio, note = '' }: BenchFigure): string {
  const figure = Number.isNaN(value) ? '–' : Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return row(name, figure, unit, ratio === undefined ? '' : `${ratio.toFixed(2)} ×`, peer, note);
}

function row(name: string, value: string, unit: string, ratio: string, peer: string, note: string): string {
  return `${`${name.padEnd(34)} ${value.padStart(9)} ${unit.padEnd(12)} ${ratio.padStart(8)}  ${peer.padEnd(24)} ${note}`.trimEnd()}\n`;
}
