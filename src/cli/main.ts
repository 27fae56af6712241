#!/usr/bin/env node
/** The command `sensorium`. Thin: each command loads engines, models and recipes when it is called, so that help comes at once. */
import process from 'node:process';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';

// A reader that goes away (`| head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await createProgram().parseAsync(process.argv);
  // Engines keep threads alive; the work is done.
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(process.exitCode ?? 0);
} catch (error) {
  process.exit(reportError(error));
}
