/** Ctrl-C and a polite request to end, as a signal that a trainer heeds. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Exit code that the shell expects: 130 after Ctrl-C, 143 after SIGTERM. */
  readonly exitCode: number;
  /** Gives Ctrl-C its ordinary meaning back. */
  dispose(): void;
}

/** The part of `process` that is needed; for tests. */
export interface SignalSource {
  on(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): unknown;
}

/**
 * Listens for SIGINT and SIGTERM. The first one aborts the signal; a second one ends the process at once.
 * @param onFirst called at the first one, to say that a checkpoint is being saved
 */
export function listenForInterrupt(onFirst: () => void, source: SignalSource = process): Interrupt {
  const controller = new AbortController();
  let exitCode = 0;
  const listener = (code: number) => (): void => {
    if (controller.signal.aborted) {
      source.exit(code);
      return;
    }
    exitCode = code;
    onFirst();
    controller.abort();
  };
  const [onInterrupt, onTerminate] = [listener(130), listener(143)];
  source.on('SIGINT', onInterrupt);
  source.on('SIGTERM', onTerminate);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    dispose() {
      source.off('SIGINT', onInterrupt);
      source.off('SIGTERM', onTerminate);
    },
  };
}
