/** Runs the built command line in a folder of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const MAIN: string = join(ROOT, 'dist', 'src', 'cli', 'main.js');

/** What a command left behind. */
export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Names in the folder that it ran in, hidden ones too. */
  readonly left: string[];
  /** Largest resident memory in MiB. */
  readonly peak: number;
}

/** Builds what is not built yet. */
export function ensureBuilt(): void {
  const done = spawnSync(process.execPath, [join(ROOT, 'scripts', 'setup.mjs')], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`the build failed: ${done.stderr}`);
}

/** A folder that goes away with `remove`. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'sensorium-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** `sensorium ARGUMENTS` in a folder that stays, with a cache of its own. */
export function sensoriumIn(
  folder: string,
  args: readonly string[],
): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, SENSORIUM_CACHE: join(folder, 'cache') };
  return spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, env, encoding: 'utf8' });
}

const REPORT = `process.on('exit', () => process.stderr.write('\\nPEAK ' + process.resourceUsage().maxRSS))`;

/** `sensorium ARGUMENTS` in a new empty folder. */
export async function sensorium(...args: string[]): Promise<Finished> {
  return command(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(REPORT)}`, MAIN, ...args]);
}

/** Any command in a new empty folder, ended after a minute. */
export async function command(file: string, args: string[]): Promise<Finished> {
  const folder = temporaryFolder();
  try {
    const environment = { ...process.env, DEBUG: '', NO_COLOR: '1' };
    const child = spawn(file, args, {
      cwd: folder.path,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const code = await new Promise<number | null>((done) => child.on('close', done));
    const peak = Number(/\nPEAK (\d+)/.exec(err)?.[1] ?? Number.NaN) / 1024;
    return { code, out, err: err.replace(/\nPEAK \d+/, ''), left: readdirSync(folder.path), peak };
  } finally {
    folder.remove();
  }
}
