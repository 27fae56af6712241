import { z } from 'zod';

/** A text that says something, of at most so many letters: whole ones, as JSON Schema counts them, not halves of pairs. */
export function text(most: number): z.ZodString {
  return z
    .string()
    .min(1)
    .refine((value) => [...value].length <= most, { message: `has more than ${most} letters` })
    .meta({ maxLength: most });
}

/** A list of such texts. */
export function texts(most: number, letters: number, least = 0): z.ZodArray<z.ZodString> {
  return z.array(text(letters)).min(least).max(most);
}
