import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureBuilt, ROOT, temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
beforeAll(ensureBuilt);
afterAll(folder.remove);

it('the example trains, saves and answers right', () => {
  const model = join(folder.path, 'colours');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'examples', 'train-and-predict.mjs'), model],
    { encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toMatch(/is it red\? yes, (0\.[5-9]|1\.0)\d*\nis it blue\? no\n$/);
  expect(readdirSync(model).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'preprocessor_config.json',
    'tokenizer.json',
  ]);
});
