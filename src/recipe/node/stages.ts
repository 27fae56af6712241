import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RecipeError } from '../../core/index.ts';

/** Recipes of a folder in the order of their names; a file is one by itself. @throws RecipeError for a folder without any */
export async function stagesOf(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const recipes = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).sort();
  if (recipes.length === 0) throw new RecipeError(`${path} holds no recipe`, 'name a YAML file, or a folder of them');
  return recipes.map((name) => join(path, name));
}
