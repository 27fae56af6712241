import type { Batch, Position } from '../dataset.ts';

/** What a worker is given when it starts. */
export interface WorkerSetup {
  readonly module: string;
  readonly options: unknown;
  readonly shared: unknown;
}

/** To a worker: make a batch; or finish. */
export type ToWorker =
  | { readonly kind: 'batch'; readonly id: number; readonly position: Position; readonly size: number }
  | { readonly kind: 'close' };

/** From a worker: it is ready, here is a batch, or something failed (a failure without `id` is that of the whole worker). */
export type FromWorker =
  | { readonly kind: 'ready'; readonly length: number }
  | { readonly kind: 'batch'; readonly id: number; readonly batch: Batch }
  | { readonly kind: 'failure'; readonly id?: number; readonly message: string }
  | { readonly kind: 'closed' };
