export * from './decoding.ts';
export * from './generate.ts';
export * from './prompt-cache.ts';
export { checkSampling, likeliest, Sampler, type SamplingOptions, type ScoredToken } from './sampling.ts';
