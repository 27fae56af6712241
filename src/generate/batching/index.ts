export { type ContinuousBatchOptions, type BatchStats, ContinuousBatch } from './continuous-batch.ts';
