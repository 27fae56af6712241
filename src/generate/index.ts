export * from './decoding.ts';
export * from './generate.ts';
export * from './prompt-cache.ts';
export * from './probability.ts';
export { checkSampling, type LogitsMask, Sampler, type SamplingOptions } from './sampling.ts';
