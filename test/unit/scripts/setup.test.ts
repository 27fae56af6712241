import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ROOT, whyInstall } from '../../../scripts/setup/steps.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sensorium-setup-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('tells whether dependencies must be installed', () => {
  const lock = (version: string): string =>
    JSON.stringify({
      packages: {
        '': {},
        'node_modules/a': { version },
        'node_modules/other-platform': { version: '1.0.0', optional: true },
      },
    });
  const hidden = join(folder, 'node_modules', '.package-lock.json');
  writeFileSync(join(folder, 'package-lock.json'), lock('1.0.0'));
  expect(whyInstall(folder)).toBe('not installed yet');

  mkdirSync(join(folder, 'node_modules', 'a'), { recursive: true });
  writeFileSync(join(folder, 'node_modules', 'a', 'package.json'), '{}');
  writeFileSync(hidden, JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }));
  expect(whyInstall(folder)).toBeUndefined();

  writeFileSync(join(folder, 'package-lock.json'), lock('1.0.1'));
  expect(whyInstall(folder)).toBe('the lock file has changed');
  writeFileSync(join(folder, 'package-lock.json'), lock('1.0.0'));

  rmSync(join(folder, 'node_modules', 'a'), { recursive: true });
  expect(whyInstall(folder)).toBe('node_modules/a is gone');
  writeFileSync(hidden, JSON.stringify({ packages: {} }));
  expect(whyInstall(folder)).toBe('a is missing');
  writeFileSync(hidden, '{');
  expect(whyInstall(folder)).toBe('the installed list cannot be read');
});

it('says what to do when Node is too old', () => {
  const older = 'Object.defineProperty(process.versions, "node", { value: "18.20.0" })';
  const script = resolve(ROOT, 'scripts/setup.mjs');
  const done = spawnSync(process.execPath, ['--import', `data:text/javascript,${older}`, script], { encoding: 'utf8' });
  expect(done.status).toBe(1);
  expect(done.stderr).toContain('Sensorium needs Node.js 20.19 or newer; this is 18.20.0');
  expect(done.stderr).toContain('nodejs.org');
});
