import process from 'node:process';
import { CommanderError } from 'commander';
import { SensoriumError } from '../core/index.ts';

/**
 * Writes an error for a person to standard error: what happened and what to do, and the stack only with `DEBUG=1`.
 * @returns the exit code
 */
export function reportError(error: unknown): number {
  // Help, the version and wrong arguments: commander has said what there is to say.
  if (error instanceof CommanderError) return error.exitCode;
  const debug = process.env['DEBUG'] !== undefined && process.env['DEBUG'] !== '' && process.env['DEBUG'] !== '0';
  if (error instanceof SensoriumError) {
    process.stderr.write(`${error.name}: ${printable(error.message)}\n`);
  } else {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      `Unexpected error: ${printable(message.slice(0, 2000))}\n  → run again with DEBUG=1 to see where, and report it\n`,
    );
  }
  if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return 1;
}

/** Without control characters but line feeds and tabs: names from outside must not command the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '');
}
