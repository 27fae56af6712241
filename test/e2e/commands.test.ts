import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { command, ensureBuilt, MAIN, ROOT, sensorium } from './cli.ts';

beforeAll(ensureBuilt);

it('says its version', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(await sensorium('--version')).toMatchObject({ code: 0, out: `${version}\n` });
});

it('can be run by itself after every build, as npx does', () => {
  accessSync(MAIN, constants.X_OK);
});

it('explains itself, with examples', async () => {
  const { code, out } = await sensorium('--help');
  expect(code).toBe(0);
  for (const name of ['train', 'predict', 'doctor', 'bench', 'Examples:']) expect(out).toContain(name);
  for (const name of ['train', 'predict', 'bench']) {
    expect((await sensorium(name, '--help')).out).toMatch(/Usage: sensorium \w+ \[options\][^]*Examples:/);
  }
});

it('doctor runs a program on the processor', async () => {
  const { code, out } = await sensorium('doctor', '--json');
  expect(code).toBe(0);
  const findings = JSON.parse(out) as { name: string; state: string; detail: string }[];
  expect(findings.find(({ name }) => name === 'device cpu')).toMatchObject({ state: 'ok' });
  expect(findings.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Node', 'memory', 'device webgpu', 'Chromium']),
  );
});

it('bench lists what can be measured, and refuses what cannot', async () => {
  const { code, out } = await sensorium('bench');
  expect(code).toBe(0);
  expect(out).toMatch(/^train-step +\S/m);
  const wrong = await sensorium('bench', 'speed');
  expect(wrong).toMatchObject({ code: 1, out: '' });
  expect(wrong.err).toMatch(/no measurement 'speed'\n {2}→/);
  expect((await sensorium('bench', 'train-step', '--rounds', 'many')).err).toMatch(
    /--rounds.*'many' is invalid.*a whole number/,
  );
});

it('shows the stack of an error with DEBUG=1 only', async () => {
  const shell = ['-c', 'DEBUG=1 exec "$0" "$@"', process.execPath, MAIN, 'train', 'nothing.yaml'];
  if (process.platform !== 'win32') expect((await command('sh', shell)).err).toMatch(/^\s+at /m);
  expect((await sensorium('train', 'nothing.yaml')).err).not.toMatch(/^\s+at /m);
});
