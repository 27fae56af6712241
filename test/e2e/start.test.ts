/** The tour of `npm start`, with seconds of learning in the place of a minute: everything but the figures is as there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureBuilt, sensoriumIn, temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
beforeAll(ensureBuilt);
afterAll(folder.remove);

const run = (args: readonly string[]): ReturnType<typeof sensoriumIn> => sensoriumIn(folder.path, args);

it('looks at pictures, learns names, says what that brought, and its adapter is there to be used', () => {
  const { status, stdout, stderr } = run(['start', '--minutes', '0.03', '--questions', '4']);
  expect(status, stderr).toBe(0);
  // The progress of a job without a terminal is plain lines.
  expect(stderr + stdout).not.toContain('\u001B[');
  expect(stdout).toMatch(/right: \d+ of \d+/);
  expect(stdout).toMatch(/names, by a studio it has never seen +\d\.\d{3} +\d\.\d{3}/);
  expect(stdout).toMatch(/ordinary questions +\d\.\d{3} +\d\.\d{3}/);

  const tour = join(folder.path, 'runs', 'tour');
  expect(readdirSync(tour)).toEqual(expect.arrayContaining(['lesson', 'teaching', 'scene-0.png']));
  const lesson = readFileSync(join(tour, 'lesson', 'data.jsonl'), 'utf8')
    .trim()
    .split('\n');
  expect(lesson).toHaveLength(5 * 5 * 6);
  // PEFT's two files, which the command that was printed names.
  expect(readdirSync(join(tour, 'teaching', 'adapter')).sort()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
  ]);
  expect(stdout).toContain(`--adapter ${join('runs', 'tour', 'teaching', 'adapter')}`);

  // Without a terminal nothing stays running; it says how to go on.
  expect(stdout).toMatch(/at http:\/\/127\.0\.0\.1:8080\/ after\n {2}npx sensorium serve --adapter lesson=runs/);

  // A second tour does not touch the first one's folder.
  const again = run(['start', '--minutes', '0.01', '--questions', '1']);
  expect(again.status, again.stderr).toBe(0);
  expect(readdirSync(join(folder.path, 'runs'))).toContain('tour-2');
});
