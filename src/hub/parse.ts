import type { z } from 'zod';
import { CheckpointError } from '../core/index.ts';

/**
 * Checks a JSON file of a checkpoint against a schema.
 * @param file its name, for messages
 * @throws CheckpointError naming the file and every key that is wrong
 */
export function parseConfig<T>(schema: z.ZodType<T>, json: unknown, file: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const shown = result.error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.map(String).join('.');
    return `${path === '' ? 'the file' : path}: ${issue.message}`;
  });
  const more =
    result.error.issues.length > shown.length ? ` (and ${result.error.issues.length - shown.length} more)` : '';
  throw new CheckpointError(`${file}: ${shown.join('; ')}${more}`, 'correct the file, or fetch the checkpoint again');
}
