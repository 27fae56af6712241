export type { BatchedOptions, BatchStats, ContinuousBatchOptions } from './batch-options.ts';
export { ContinuousBatch } from './continuous-batch.ts';
