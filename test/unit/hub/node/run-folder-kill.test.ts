import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import { Random } from '../../../../src/core/index.ts';
import { RunFolder } from '../../../../src/hub/node/run-folder.ts';
import { temporaryFolder } from './temporary.ts';

const KILLS = 15;
const root = temporaryFolder();
const program = join(root, 'writer.mjs');

/** Saves checkpoint after checkpoint, from the last one on, and says so on its output. */
const WRITER = `
import { RunFolder } from ${JSON.stringify(resolve('src/hub/node/run-folder.ts'))};
const run = await RunFolder.open(process.argv[2], { keep: 2 });
for (let step = ((await run.latest())?.state.step ?? 0) + 1; ; step++) {
  const tensor = { dtype: 'float32', shape: [20000], data: new Float32Array(20000).fill(step) };
  const source = { name: 'w', dtype: 'float32', shape: [20000], read: () => tensor };
  const state = { step, epoch: 0, data: step, random: {}, extra: null };
  await run.save({ state, model: [source], optimizer: [source] });
  process.stdout.write(step + '\\n');
}`;

beforeAll(async () => {
  const stdin = { contents: WRITER, resolveDir: process.cwd(), loader: 'ts' } as const;
  await build({ stdin, outfile: program, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
});

/** Runs the writer and kills it after a time. @returns the last step that it said was saved */
async function writeUntilKilled(folder: string, milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const started = new Promise<void>((done) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      done();
    });
  });
  const ended = new Promise((done) => child.on('close', done));
  await Promise.race([started, ended]);
  await new Promise((done) => setTimeout(done, milliseconds));
  child.kill('SIGKILL');
  await ended;
  return Number(output.trim().split('\n').at(-1));
}

it('kill -9 at random moments never loses a checkpoint that was said to be saved', async () => {
  const folder = join(root, 'run');
  const random = new Random(99);
  for (let round = 0; round < KILLS; round++) {
    const saved = await writeUntilKilled(folder, random.integer(60));
    expect(saved).toBeGreaterThan(round);
    const run = await RunFolder.open(folder, { keep: 2 });
    const ignored: string[] = [];
    const latest = (await run.latest((path) => ignored.push(path)))!;
    expect(ignored).toEqual([]);
    // The one after may be complete too, killed before it could be told.
    expect(latest.state.step - saved).toBeLessThanOrEqual(1);
    expect(latest.state.step).toBeGreaterThanOrEqual(saved);
    expect((await latest.readModel()).get('w')!.data.every((value) => value === latest.state.step)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  }
});
