/** The recipe about emoji statements, with seconds of training in the place of minutes: everything but the figures is as there. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureBuilt, MAIN, sensoriumIn, temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
beforeAll(ensureBuilt);
afterAll(folder.remove);

const run = (args: readonly string[]): ReturnType<typeof sensoriumIn> => sensoriumIn(folder.path, args);

it('trains, tests, writes a report and says how to go on', () => {
  const recipe = join(dirname(MAIN), '..', '..', '..', 'recipes', 'emoji-statements-quick.yaml');
  const { status, stdout, stderr } = run(['train', recipe, '--set', 'train.minutes=0.05', '--set', 'train.batch=16']);
  expect(status, stderr).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^balanced accuracy 0\.\d{3}$/);
  // The progress of a job without a terminal is plain lines.
  expect(stderr).not.toContain('\u001B[');

  const path = join(folder.path, 'runs', 'emoji-statements-quick');
  expect(readdirSync(path)).toEqual(
    expect.arrayContaining(['metrics.jsonl', 'model', 'recipe.yaml', 'report.html', 'result.json', 'samples']),
  );
  const report = readFileSync(join(path, 'report.html'), 'utf8');
  expect(report).not.toMatch(/<script|<link|\ssrc="(?!data:)/);
  for (const part of [
    'Learning curves',
    'English',
    'Chinese',
    'hard false statement',
    'Most confident mistakes',
    'Where the words look',
    'CC-BY-SA-4.0',
  ]) {
    expect(report).toContain(part);
  }

  // The command that was printed works word for word.
  const printed = lines.find((line) => line.startsWith('  npx sensorium predict '))!;
  const words = [...printed.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('\\"', '"') ?? bare!,
  );
  const asked = run(words.slice(2));
  expect(asked.stderr).toBe('');
  expect(asked.stdout).toMatch(/^(true|false)\n/);
  expect(readdirSync(folder.path)).toContain('looked.png');

  // A second run does not touch the first one.
  expect(run(['train', join(path, 'recipe.yaml'), '--out', 'runs/emoji-statements-quick']).stderr).toMatch(
    /holds a run already/,
  );
});
