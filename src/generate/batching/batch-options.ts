import type { GenerateOptions } from '../generate.ts';
import type { LayerChanges } from '../layer-changes.ts';

export interface ContinuousBatchOptions {
  /** Most answers that are written at once; others wait. 16 unless told. */
  readonly rows?: number;
  /**
   * Most bytes of keys and values of the answers that are being written; 2 GiB unless told. Where answers may become long,
   * fewer are written at once; one always is.
   */
  readonly cacheBytes?: number;
  /** Most bytes of keys and values that are kept of what was read; 256 MiB unless told, 0 for none. */
  readonly prefixBytes?: number;
}

/** As {@link GenerateOptions}, for one request among others. */
export interface BatchedOptions extends Omit<GenerateOptions, 'cache'> {
  /** What the answer's own adapters change; the same object for the same adapters. */
  readonly adapter?: LayerChanges | undefined;
}

/** What a batch has done, and what it does. */
export interface BatchStats {
  /** Answers that are being written, whose prompt is being read, and that wait. */
  readonly writing: number;
  readonly reading: number;
  readonly waiting: number;
  /** Since the beginning: tokens of answers, tokens of prompts that were read, and steps that wrote a token in each row. */
  readonly written: number;
  readonly read: number;
  readonly steps: number;
  /** Tokens of prompts that needed no reading, since they were known. */
  readonly known: number;
  /** Bytes of keys and values that are kept. */
  readonly prefixBytes: number;
}
