import { type Interrupt, listenForInterrupt } from '../train/node/index.ts';

/** Ctrl-C saves a checkpoint and ends the run, which is said at once. @param say where to */
export function savingInterrupt(say: (text: string) => void): Interrupt {
  return listenForInterrupt(() => say('\nSaving a checkpoint … (Ctrl-C again ends at once, without it)'));
}
