/** Everything that a reviewer would run before reading, each check with its time; all of them run even if one fails. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, build } from './setup/steps.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'sensorium-check-'));

/** Name, and the command in words. `node_modules/.bin` is on the path under `npm run`. */
const SOURCE_CHECKS = [
  ['types', 'tsc -p test'],
  ['page', 'tsc -p playground'],
  ['lint', 'oxlint'],
  ['format', 'oxfmt --check .'],
  ['seams', 'node scripts/check-layers.mjs'],
  ['unused', 'knip --no-progress'],
];
const PACKAGE_CHECKS = [
  ['package', 'publint --strict'],
  // CommonJS users get ESM by require() in current Node; there is no CommonJS build on purpose.
  [
    'exports',
    `npm pack --silent --ignore-scripts --pack-destination ${scratch} && attw --profile esm-only ${scratch}/*.tgz`,
  ],
];

function run([name, command]) {
  const started = Date.now();
  return new Promise((done) => {
    const child = spawn(command, { cwd: ROOT, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('close', (code) => {
      const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(5);
      console.log(
        `${code === 0 ? '✓' : '✗'} ${name.padEnd(8)} ${seconds} s   ${command.split(' && ').at(-1).replaceAll(scratch, '…')}`,
      );
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      done(code === 0);
    });
  });
}

const results = [];
try {
  for (const check of SOURCE_CHECKS) results.push(await run(check));
  try {
    build();
    for (const check of PACKAGE_CHECKS) results.push(await run(check));
  } catch (error) {
    console.log(`✗ build: ${error.message}`);
    results.push(false);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const failed = results.filter((passed) => !passed).length;
console.log(failed === 0 ? 'all checks passed' : `${failed} of ${results.length} checks failed`);
process.exitCode = failed === 0 ? 0 : 1;
