import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';

// How the native engine gets along with the end of its process and with the garbage collector, each in a new process.

const root = join(import.meta.dirname, '..', '..', '..');
let folder: string;
let script: string;

const SOURCE = `
import { createRuntime } from './src/runtime/node/index.ts';
import { binary, model, spec } from './test/unit/runtime/onnx-model.ts';

const mode = process.argv[2];
const runtime = await createRuntime({ threads: 2 });
if (mode === 'forgotten') {
  const program = await runtime.compile(binary('Add', [10000]));
  const x = await runtime.allocate('float32', [10000]);
  for (let i = 0; i < 2000; i++) {
    await program.run({ x, y: x });
    if (i % 100 === 0) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  console.log(runtime.memory().peakValues);
} else {
  const nodes = Array.from({ length: 12 }, (_, i) => ({ op: 'MatMul', inputs: ['x' + i, 'w'], outputs: ['x' + (i + 1)] }));
  const shape = [768, 768];
  const program = await runtime.compile(
    model({ inputs: [spec('x0', shape), spec('w', shape)], outputs: [spec('x12', shape)], nodes }),
  );
  const x = await runtime.allocate('float32', shape);
  const running = program.run({ x0: x, w: x });
  if (mode === 'exit') setTimeout(() => process.exit(7), 10);
  if (mode === 'dispose') {
    await runtime.dispose();
    await running;
    console.log(runtime.memory().values);
  }
}
`;

function run(mode: string): Promise<{ code: number | string | null; stdout: string; signal: string | null }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--expose-gc', script, mode], (error, stdout) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, signal: error?.signal ?? null });
    });
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sensorium-'));
  script = join(folder, 'script.mjs');
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  await build({
    stdin: { contents: SOURCE, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile: script,
    logLevel: 'error',
  });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

it('a process ends by itself after a run that nobody awaits', async () => {
  expect(await run('natural')).toMatchObject({ code: 0, signal: null });
});

it('a process may end in the middle of a run', async () => {
  expect(await run('exit')).toMatchObject({ code: 7, signal: null });
});

it('a runtime disposed of during a run ends after it and keeps nothing', async () => {
  expect(await run('dispose')).toMatchObject({ code: 0, signal: null, stdout: '0\n' });
});

it('the memory of forgotten values comes back', async () => {
  const { code, stdout } = await run('forgotten');
  expect(code).toBe(0);
  // 2,000 results of 40 kB are 80 MB.
  expect(Number(stdout)).toBeGreaterThan(0);
  expect(Number(stdout)).toBeLessThan(40e6);
});
