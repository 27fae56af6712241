/** Tries mutations in child processes, which may hang or crash: then the next one goes on. */
import { fork } from 'node:child_process';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Outcome } from './mutation.ts';

/** One mutation may take so long, on a busy machine. */
const LIMIT = Number(process.env['MUTATION_LIMIT'] ?? 20_000);
const FIXTURES = resolve(import.meta.dirname, '..', 'parity', 'fixtures');

export interface Tried {
  readonly outcomes: readonly Outcome[];
  /** Peak of resident memory before anything hostile was opened, in MiB. */
  readonly before: number;
  readonly seconds: number;
}

/** Bundles the child's program. @param scratch a folder for it, below which modules are found */
export async function buildChild(scratch: string): Promise<string> {
  const outfile = join(scratch, 'child.mjs');
  const entryPoints = [join(import.meta.dirname, 'child.ts')];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  return outfile;
}

/** @param onOutcome is told of each as it comes */
export async function tryAll(
  program: string,
  set: string,
  scratch: string,
  onOutcome: (outcome: Outcome) => void = () => {},
): Promise<Tried> {
  const started = performance.now();
  const outcomes: Outcome[] = [];
  let before = 0;
  let count = Infinity;
  while (outcomes.length < count) {
    const from = outcomes.length;
    const end = await runFrom(program, set, scratch, outcomes, onOutcome);
    if (outcomes.length === from && from < end.count) throw new Error('no mutation was tried');
    before ||= end.before;
    ({ count } = end);
  }
  return { outcomes, before, seconds: (performance.now() - started) / 1000 };
}

interface Message {
  readonly count?: number;
  readonly peak?: number;
  readonly index?: number;
  readonly group?: string;
  readonly name?: string;
  readonly expect?: Outcome['expect'];
  readonly outcome?: Outcome;
}

/** Runs one child until it has tried all, hangs or ends; pushes what came of each. */
async function runFrom(
  program: string,
  set: string,
  scratch: string,
  outcomes: Outcome[],
  onOutcome: (outcome: Outcome) => void,
): Promise<{ count: number; before: number }> {
  const child = fork(program, [set, scratch, FIXTURES, String(outcomes.length)], {
    execArgv: ['--expose-gc', '--max-old-space-size=1024'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let [count, before] = [0, 0];
  let errors = '';
  let current: Message | undefined;
  let hung = false;
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, LIMIT);
  };
  watch();
  child.stderr!.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
  child.on('message', (message: Message) => {
    watch();
    if (message.count !== undefined) [count, before] = [message.count, message.peak!];
    else if (message.outcome === undefined) current = message;
    else {
      outcomes.push(message.outcome);
      onOutcome(message.outcome);
      current = undefined;
    }
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((done) =>
    child.on('close', (...end) => done(end)),
  );
  clearTimeout(timer);
  if (count === 0) throw new Error(`the child ended before it began (${code ?? signal}): ${errors}`);
  if (current !== undefined) {
    const { group, name, expect } = current;
    const kind = hung ? ('hung' as const) : ('crashed' as const);
    const verdict = { kind, what: hung ? `no answer in ${LIMIT} ms` : `ended with ${code ?? signal}: ${errors}` };
    const outcome = { group: group!, name: name!, expect: expect!, verdict, milliseconds: LIMIT, peak: 0, resident: 0 };
    outcomes.push(outcome);
    onOutcome(outcome);
  } else if (outcomes.length < count)
    throw new Error(`the child ended between two mutations (${code ?? signal}): ${errors}`);
  return { count, before };
}
