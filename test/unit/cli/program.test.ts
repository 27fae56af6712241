import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../../src/', import.meta.url));

/** Layers that are loaded with a file, by imports that are no mere types and wait for no call. */
function layersLoadedBy(file: string): string[] {
  const files = new Set([resolve(SRC, file)]);
  for (const path of files)
    for (const [, from] of readFileSync(path, 'utf8').matchAll(
      /^(?:import|export)\s(?!type\s)[^;]*?from '(\.[^']+)';/gm,
    ))
      files.add(resolve(dirname(path), from!));
  return [...new Set([...files].map((path) => relative(SRC, path).split(/[\\/]/)[0]!))].sort();
}

it('help needs no engine, no model and no recipe', () => {
  // Data have names of formats and of sets of drawings, which help lists.
  expect(layersLoadedBy('cli/program.ts')).toEqual(['cli', 'core', 'data']);
  expect(layersLoadedBy('recipe/node/index.ts')).toContain('runtime');
});
