import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureBuilt, ROOT, temporaryFolder } from './cli.ts';

const EXAMPLE = join(ROOT, 'examples', 'train-and-predict.mjs');
const folder = temporaryFolder();
beforeAll(ensureBuilt);
afterAll(folder.remove);

it('the example trains, saves and answers right', () => {
  const model = join(folder.path, 'colours');
  const { status, stdout, stderr } = spawnSync(process.execPath, [EXAMPLE, model], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(/is it red\? yes\nis it blue\? no\n$/);
  expect(readdirSync(model).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'preprocessor_config.json',
    'tokenizer.json',
  ]);
});

it.each(['README.md', 'README.zh-CN.md'])('%s shows the example as it is', (name) => {
  const code = readFileSync(EXAMPLE, 'utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => line.replace(' // prettier-ignore', ''))
    .join('\n');
  const shown = readFileSync(join(ROOT, name), 'utf8').replaceAll(/\n+/g, '\n');
  expect(shown).toContain(code.trim());
});
