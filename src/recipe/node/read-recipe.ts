import { readFile, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { RecipeError } from '../../core/index.ts';
import { MAX_RECIPE_LENGTH, modelType, parseRecipe } from '../parse.ts';
import { trainingRecipe } from '../schema.ts';
import { tuningRecipe } from '../tuning/schema.ts';
import type { TuningRecipe } from '../tuning/types.ts';
import type { TrainingRecipe } from '../types.ts';

/**
 * Reads a recipe from a file.
 * @param overrides see {@link parseRecipe}
 * @throws RecipeError when the file is absent, not a file, too long, not UTF-8, or wrong
 */
export async function readRecipe<T>(schema: z.ZodType<T>, path: string, overrides: readonly string[] = []): Promise<T> {
  return parseRecipe(schema, await readText(path), path, overrides);
}

/** A recipe of either kind. */
export type AnyRecipe =
  | { readonly kind: 'fusion'; readonly recipe: TrainingRecipe }
  | { readonly kind: 'image-text'; readonly recipe: TuningRecipe };

/** As {@link readRecipe}, of the kind that `model.type` names. @throws RecipeError */
export async function readAnyRecipe(path: string, overrides: readonly string[] = []): Promise<AnyRecipe> {
  const text = await readText(path);
  return modelType(text) === 'image-text'
    ? { kind: 'image-text', recipe: parseRecipe(tuningRecipe, text, path, overrides) }
    : { kind: 'fusion', recipe: parseRecipe(trainingRecipe, text, path, overrides) };
}

async function readText(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new RecipeError(`${path}: no such recipe`, 'check the path; examples are in recipes/');
  if (!found.isFile()) throw new RecipeError(`${path}: not a file`, 'name a YAML file; examples are in recipes/');
  // A character takes at most 4 bytes.
  if (found.size > 4 * MAX_RECIPE_LENGTH)
    throw new RecipeError(`${path}: ${found.size} bytes are no recipe`, 'is this the right file?');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    throw new RecipeError(`${path}: cannot be read (${(error as Error).message})`, 'save it as UTF-8 text');
  }
}
