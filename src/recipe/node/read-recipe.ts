import { readFile, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { RecipeError } from '../../core/index.ts';
import { MAX_RECIPE_LENGTH, parseRecipe } from '../parse.ts';

/**
 * Reads a recipe from a file.
 * @param overrides see {@link parseRecipe}
 * @throws RecipeError when the file is absent, not a file, too long, not UTF-8, or wrong
 */
export async function readRecipe<T>(schema: z.ZodType<T>, path: string, overrides: readonly string[] = []): Promise<T> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new RecipeError(`${path}: no such recipe`, 'check the path; examples are in recipes/');
  if (!found.isFile()) throw new RecipeError(`${path}: not a file`, 'name a YAML file; examples are in recipes/');
  // A character takes at most 4 bytes.
  if (found.size > 4 * MAX_RECIPE_LENGTH)
    throw new RecipeError(`${path}: ${found.size} bytes are no recipe`, 'is this the right file?');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    throw new RecipeError(`${path}: cannot be read (${(error as Error).message})`, 'save it as UTF-8 text');
  }
  return parseRecipe(schema, text, path, overrides);
}
