/** Samples that `--skip-bad` leaves out. */
import process from 'node:process';
import { DataError } from '../../../core/index.ts';
import { printable } from '../../report-error.ts';

/** Reasons that are kept, of the first ones. */
const MOST_REASONS = 10;

/** Counts what cannot be read, where that is allowed. */
export class LeftOut {
  readonly #isAllowed: boolean;
  readonly #reasons: string[] = [];
  #count = 0;

  constructor(isAllowed: boolean) {
    this.#isAllowed = isAllowed;
  }

  /**
   * What `read` gives, or nothing where it fails with what is wrong with the data.
   * @throws what it throws where nothing may be left out
   */
  async orNothing<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!this.#isAllowed || !(error instanceof DataError)) throw error;
      this.#count++;
      if (this.#reasons.length < MOST_REASONS) this.#reasons.push(error.message);
      return undefined;
    }
  }

  report(): void {
    reportLeftOut(this.#count, this.#reasons);
  }
}

/** Says how many were left out, if any, and why the first of them were. */
export function reportLeftOut(count: number, reasons: readonly string[]): void {
  if (count > 0)
    process.stderr.write(printable(`${count} left out:\n${reasons.map((each) => `  ${each}`).join('\n')}\n`));
}
